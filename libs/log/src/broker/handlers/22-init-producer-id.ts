/*
 * InitProducerId (key 22), versions 0-4.
 *
 * - Without a transactional id: a new producer id with epoch 0. A producer id and epoch in the request are ignored,
 *   because some clients send zeros.
 * - With a transactional id: the next epoch. Earlier producers with the id are fenced, and an open transaction is aborted
 *   first: CONCURRENT_TRANSACTIONS until then.
 * - With a transactional id, a producer id and an epoch (3): the same producer continues after an error, unless fenced.
 *
 * 2 flexible · 3 producer id and epoch · 4 PRODUCER_FENCED
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import type { ProducerIdentity } from '../transactions/transaction.js';
import { fencingCode } from './fencing.js';
import { INIT_PRODUCER_ID } from '../../protocol/transactions.js';
import { defineHandler } from './handler.js';

const FIRST_VERSION_WITH_FENCED = 4;
const NO_PRODUCER_ID = -1n;
const NO_EPOCH = -1;

export const initProducerId = defineHandler({
  ...INIT_PRODUCER_ID,
  reject: (_, errorCode) => rejected(errorCode),
  async handle({ transactionalId, transactionTimeoutMs, producerId, producerEpoch }, context) {
    const { producerIds, transactions, logger, apiVersion } = context;
    if (transactionalId === null) {
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        producerId: await producerIds.next(),
        producerEpoch: 0,
      };
    }
    try {
      const expected = expectedProducer(producerId, producerEpoch);
      const producer = await transactions.initProducer(transactionalId, transactionTimeoutMs, expected);
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, ...producer };
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
        logger.error({ err: error, transactionalId }, 'producer initialization failed');
      }
      return rejected(fencingCode(errorCode, apiVersion >= FIRST_VERSION_WITH_FENCED));
    }
  },
});

function rejected(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_EPOCH };
}

/** @throws ProtocolError `INVALID_REQUEST` if only one of them is set */
function expectedProducer(producerId: bigint, producerEpoch: number): ProducerIdentity | undefined {
  if (producerId === NO_PRODUCER_ID && producerEpoch === NO_EPOCH) return undefined;
  if (producerId !== NO_PRODUCER_ID && producerEpoch !== NO_EPOCH) return { producerId, producerEpoch };
  throw new ProtocolError(ErrorCode.INVALID_REQUEST, 'producer id and epoch must be set together');
}
