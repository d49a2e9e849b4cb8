import * as t from './schema.js';

const FIRST_WITH_IDS = 10;

/** The authorized operations of a resource if the client did not request them. */
export const OPERATIONS_NOT_ASKED = -2147483648;

const request = t.struct({
  topics: t.nullableArray(
    t.struct({
      topicId: t.since(FIRST_WITH_IDS, t.uuid, t.NO_UUID),
      // Null if the id is set.
      name: t.nullableString,
    }),
  ),
  allowAutoTopicCreation: t.since(4, t.boolean, true),
  includeClusterAuthorizedOperations: t.versions({ first: 8, last: 10 }, t.boolean, false),
  includeTopicAuthorizedOperations: t.since(8, t.boolean, false),
});

const response = t.struct({
  throttleTimeMs: t.since(3, t.int32, 0),
  brokers: t.array(
    t.struct({
      nodeId: t.int32,
      host: t.string,
      port: t.int32,
      rack: t.since(1, t.nullableString, null),
    }),
  ),
  clusterId: t.since(2, t.nullableString, null),
  controllerId: t.since(1, t.int32, -1),
  topics: t.array(
    t.struct({
      errorCode: t.int16,
      name: t.nullableString,
      topicId: t.since(FIRST_WITH_IDS, t.uuid, t.NO_UUID),
      isInternal: t.since(1, t.boolean, false),
      partitions: t.array(
        t.struct({
          errorCode: t.int16,
          partitionIndex: t.int32,
          leaderId: t.int32,
          leaderEpoch: t.since(7, t.int32, -1),
          replicaNodes: t.array(t.int32),
          isrNodes: t.array(t.int32),
          offlineReplicas: t.since(5, t.array(t.int32), []),
        }),
      ),
      topicAuthorizedOperations: t.since(8, t.int32, OPERATIONS_NOT_ASKED),
    }),
  ),
  clusterAuthorizedOperations: t.versions({ first: 8, last: 10 }, t.int32, OPERATIONS_NOT_ASKED),
});

type MetadataRequest = t.ValueOf<typeof request>;
export type MetadataResponse = t.ValueOf<typeof response>;
export type TopicMetadata = MetadataResponse['topics'][number];

/** Metadata (key 3), in the versions that the broker supports. */
export const METADATA: t.Api<MetadataRequest, MetadataResponse> = {
  apiKey: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 12,
  flexibleFrom: 9,
  request,
  response,
};

/** The versions with topic ids (Kafka 2.8). */
export const METADATA_WITH_IDS: typeof METADATA = { ...METADATA, minVersion: FIRST_WITH_IDS };
