/*
 * DescribeTransactions (key 65), version 0.
 *
 * - The producer of a transactional id, the state of its transaction and the partitions without a marker.
 * - An unknown id: TRANSACTIONAL_ID_NOT_FOUND.
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import type { Transaction } from '../transactions/transaction.js';
import { defineHandler } from './handler.js';
import { uniqueBy } from './repeated.js';

const request = t.struct({ transactionalIds: t.array(t.string) });

const response = t.struct({
  throttleTimeMs: t.int32,
  transactionStates: t.array(
    t.struct({
      errorCode: t.int16,
      transactionalId: t.string,
      transactionState: t.string,
      transactionTimeoutMs: t.int32,
      transactionStartTimeMs: t.int64,
      producerId: t.int64,
      producerEpoch: t.int16,
      topics: t.array(t.struct({ topic: t.string, partitions: t.array(t.int32) })),
    }),
  ),
});

export const describeTransactions = defineHandler({
  apiKey: 65,
  name: 'DescribeTransactions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request,
  response,
  handle({ transactionalIds }, { transactions }) {
    return {
      throttleTimeMs: 0,
      transactionStates: uniqueBy(transactionalIds, (id) => id).map((transactionalId) => {
        const transaction = transactions.transaction(transactionalId);
        return transaction === undefined ? unknown(transactionalId) : describe(transaction);
      }),
    };
  },
});

function unknown(transactionalId: string) {
  const isName = transactionalId !== '';
  return {
    errorCode: isName ? ErrorCode.TRANSACTIONAL_ID_NOT_FOUND : ErrorCode.INVALID_REQUEST,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0n,
    producerId: 0n,
    producerEpoch: 0,
    topics: [],
  };
}

function describe(transaction: Transaction) {
  const { transactionalId, state, timeoutMs, startedAtMs, producerId, producerEpoch, partitions } =
    transaction;
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: BigInt(startedAtMs),
    producerId,
    producerEpoch,
    topics: [...partitions].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
  };
}
