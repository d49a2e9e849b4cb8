import * as t from './schema.js';

const initProducerIdRequest = t.struct({
  transactionalId: t.nullableString,
  transactionTimeoutMs: t.int32,
  producerId: t.since(3, t.int64, -1n),
  producerEpoch: t.since(3, t.int16, -1),
});

const initProducerIdResponse = t.struct({
  throttleTimeMs: t.int32,
  errorCode: t.int16,
  producerId: t.int64,
  producerEpoch: t.int16,
});

export const INIT_PRODUCER_ID: t.Api<
  t.ValueOf<typeof initProducerIdRequest>,
  t.ValueOf<typeof initProducerIdResponse>
> = {
  apiKey: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 2,
  request: initProducerIdRequest,
  response: initProducerIdResponse,
};

const addPartitionsRequest = t.struct({
  transactionalId: t.string,
  producerId: t.int64,
  producerEpoch: t.int16,
  topics: t.array(t.struct({ name: t.string, partitions: t.array(t.int32) })),
});

const addPartitionsResponse = t.struct({
  throttleTimeMs: t.int32,
  resultsByTopic: t.array(
    t.struct({
      name: t.string,
      resultsByPartition: t.array(t.struct({ partitionIndex: t.int32, partitionErrorCode: t.int16 })),
    }),
  ),
});

export type AddPartitionsToTxnRequest = t.ValueOf<typeof addPartitionsRequest>;

export const ADD_PARTITIONS_TO_TXN: t.Api<
  AddPartitionsToTxnRequest,
  t.ValueOf<typeof addPartitionsResponse>
> = {
  apiKey: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: addPartitionsRequest,
  response: addPartitionsResponse,
};

const addOffsetsRequest = t.struct({
  transactionalId: t.string,
  producerId: t.int64,
  producerEpoch: t.int16,
  groupId: t.string,
});

const addOffsetsResponse = t.struct({ throttleTimeMs: t.int32, errorCode: t.int16 });

export const ADD_OFFSETS_TO_TXN: t.Api<
  t.ValueOf<typeof addOffsetsRequest>,
  t.ValueOf<typeof addOffsetsResponse>
> = {
  apiKey: 25,
  name: 'AddOffsetsToTxn',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: addOffsetsRequest,
  response: addOffsetsResponse,
};

const endTxnRequest = t.struct({
  transactionalId: t.string,
  producerId: t.int64,
  producerEpoch: t.int16,
  committed: t.boolean,
});

const endTxnResponse = t.struct({ throttleTimeMs: t.int32, errorCode: t.int16 });

export const END_TXN: t.Api<t.ValueOf<typeof endTxnRequest>, t.ValueOf<typeof endTxnResponse>> = {
  apiKey: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: endTxnRequest,
  response: endTxnResponse,
};

const txnOffsetCommitRequest = t.struct({
  transactionalId: t.string,
  groupId: t.string,
  producerId: t.int64,
  producerEpoch: t.int16,
  generationId: t.since(3, t.int32, -1),
  memberId: t.since(3, t.string, ''),
  groupInstanceId: t.since(3, t.nullableString, null),
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          partitionIndex: t.int32,
          committedOffset: t.int64,
          committedLeaderEpoch: t.since(2, t.int32, -1),
          committedMetadata: t.nullableString,
        }),
      ),
    }),
  ),
});

const txnOffsetCommitResponse = t.struct({
  throttleTimeMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ partitionIndex: t.int32, errorCode: t.int16 })),
    }),
  ),
});

export type TxnOffsetCommitRequest = t.ValueOf<typeof txnOffsetCommitRequest>;

export const TXN_OFFSET_COMMIT: t.Api<TxnOffsetCommitRequest, t.ValueOf<typeof txnOffsetCommitResponse>> = {
  apiKey: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: txnOffsetCommitRequest,
  response: txnOffsetCommitResponse,
};
