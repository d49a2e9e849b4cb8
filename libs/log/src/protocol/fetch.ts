import * as t from './schema.js';

/** Later versions identify topics by their ids. */
export const LAST_FETCH_WITH_NAMES = 12;

const topicFields = {
  topic: t.versions({ last: LAST_FETCH_WITH_NAMES }, t.string, ''),
  topicId: t.since(LAST_FETCH_WITH_NAMES + 1, t.uuid, t.NO_UUID),
};

const request = t.struct({
  replicaId: t.versions({ last: 14 }, t.int32, -1),
  maxWaitMs: t.int32,
  minBytes: t.int32,
  maxBytes: t.int32,
  isolationLevel: t.int8,
  sessionId: t.since(7, t.int32, 0),
  sessionEpoch: t.since(7, t.int32, -1),
  topics: t.array(
    t.struct({
      ...topicFields,
      partitions: t.array(
        t.struct({
          partition: t.int32,
          currentLeaderEpoch: t.since(9, t.int32, -1),
          fetchOffset: t.int64,
          lastFetchedEpoch: t.since(12, t.int32, -1),
          logStartOffset: t.since(5, t.int64, -1n),
          partitionMaxBytes: t.int32,
        }),
      ),
    }),
  ),
  forgottenTopics: t.since(7, t.array(t.struct({ ...topicFields, partitions: t.array(t.int32) })), []),
  rackId: t.since(11, t.string, ''),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  errorCode: t.since(7, t.int16, 0),
  sessionId: t.since(7, t.int32, 0),
  topics: t.array(
    t.struct({
      ...topicFields,
      partitions: t.array(
        t.struct({
          partition: t.int32,
          errorCode: t.int16,
          highWatermark: t.int64,
          lastStableOffset: t.int64,
          logStartOffset: t.since(5, t.int64, -1n),
          abortedTransactions: t.nullableArray(t.struct({ producerId: t.int64, firstOffset: t.int64 })),
          preferredReadReplica: t.since(11, t.int32, -1),
          records: t.records,
        }),
      ),
    }),
  ),
});

export type FetchRequest = t.ValueOf<typeof request>;
export type FetchResponse = t.ValueOf<typeof response>;
export type FetchedPartitionResponse = FetchResponse['topics'][number]['partitions'][number];

/** Fetch (key 1), in the versions that the broker supports. */
export const FETCH: t.Api<FetchRequest, FetchResponse> = {
  apiKey: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: 17,
  flexibleFrom: 12,
  request,
  response,
};

/** The versions that identify topics by their names. */
export const FETCH_BY_NAME: typeof FETCH = { ...FETCH, maxVersion: LAST_FETCH_WITH_NAMES };

/**
 * The first version that identifies topics by their ids (Kafka 3.1). The broker never returns records of another topic that
 * was created with the same name.
 */
export const FETCH_BY_ID: typeof FETCH = {
  ...FETCH,
  minVersion: LAST_FETCH_WITH_NAMES + 1,
  maxVersion: LAST_FETCH_WITH_NAMES + 1,
};
