import * as t from '../../protocol/schema.js';
import type { Api } from './cluster.js';

const LAST_VERSION_WITH_NAMES = 12;

/** A topic is identified by its name in older versions, and by its id in newer ones. */
const topicFields = {
  name: t.versions({ last: LAST_VERSION_WITH_NAMES }, t.string, ''),
  topicId: t.since(LAST_VERSION_WITH_NAMES + 1, t.uuid, t.NO_UUID),
};

const request = t.struct({
  replicaId: t.int32,
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

/** The Fetch response, versions 4 to 13. */
export const fetchResponse = t.struct({
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
          aborted: t.nullableArray(t.struct({ producerId: t.int64, firstOffset: t.int64 })),
          preferredReadReplica: t.since(11, t.int32, -1),
          records: t.nullableBytes,
        }),
      ),
    }),
  ),
});

type FetchRequest = t.ValueOf<typeof request>;
type FetchResponse = t.ValueOf<typeof fetchResponse>;
export type FetchedPartitionResponse = FetchResponse['topics'][number]['partitions'][number];

/** Fetch (key 1) by topic name, up to version 12. */
export const FETCH_BY_NAME: Api<FetchRequest, FetchResponse> = {
  apiKey: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: LAST_VERSION_WITH_NAMES,
  flexibleFrom: 12,
  request,
  response: fetchResponse,
};

/**
 * Fetch by topic id, version 13 (Kafka 3.1). The broker never returns records of another topic that was created with
 * the same name.
 */
export const FETCH_BY_ID: Api<FetchRequest, FetchResponse> = {
  ...FETCH_BY_NAME,
  minVersion: LAST_VERSION_WITH_NAMES + 1,
  maxVersion: LAST_VERSION_WITH_NAMES + 1,
};
