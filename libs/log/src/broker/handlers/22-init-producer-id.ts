/*
 * InitProducerId (key 22), versions 0-4.
 *
 * - Without a transactional id: a producer id that none had before, epoch 0; an id and an epoch that come along are
 *   ignored, as some clients send zeros.
 * - With one: refused until transactions are served (see UNSUPPORTED.md).
 *
 * 2 flexible · 3 producer id and epoch · 4 PRODUCER_FENCED
 */
import { ErrorCode } from '../protocol/error-codes.js';
import * as t from '../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  transactionalId: t.nullableString,
  transactionTimeoutMs: t.int32,
  producerId: t.since(3, t.int64, -1n),
  producerEpoch: t.since(3, t.int16, -1),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  errorCode: t.int16,
  producerId: t.int64,
  producerEpoch: t.int16,
});

export const initProducerId = defineHandler({
  apiKey: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 2,
  request,
  response,
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 }),
  async handle({ transactionalId }, { producerIds }) {
    if (transactionalId !== null) {
      const errorCode = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      return { throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 };
    }
    const producerId = await producerIds.take();
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  },
});
