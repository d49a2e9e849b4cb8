import * as t from '../../protocol/schema.js';
import type { Api } from './cluster.js';

/*
 * Metadata (key 3), versions 10 to 12, the first of which has topic ids (Kafka 2.8). kafkajs speaks it up to version 6.
 */
const request = t.struct({
  topics: t.nullableArray(t.struct({ topicId: t.uuid, name: t.nullableString })),
  allowAutoTopicCreation: t.boolean,
  includeClusterAuthorizedOperations: t.versions({ last: 10 }, t.boolean, false),
  includeTopicAuthorizedOperations: t.boolean,
});

const response = t.struct({
  throttleTimeMs: t.int32,
  brokers: t.array(t.struct({ nodeId: t.int32, host: t.string, port: t.int32, rack: t.nullableString })),
  clusterId: t.nullableString,
  controllerId: t.int32,
  topics: t.array(
    t.struct({
      errorCode: t.int16,
      name: t.nullableString,
      topicId: t.uuid,
      isInternal: t.boolean,
      partitions: t.array(
        t.struct({
          errorCode: t.int16,
          partitionIndex: t.int32,
          leaderId: t.int32,
          leaderEpoch: t.int32,
          replicaNodes: t.array(t.int32),
          isrNodes: t.array(t.int32),
          offlineReplicas: t.array(t.int32),
        }),
      ),
      topicAuthorizedOperations: t.int32,
    }),
  ),
  clusterAuthorizedOperations: t.versions({ last: 10 }, t.int32, 0),
});

export const METADATA: Api<t.ValueOf<typeof request>, t.ValueOf<typeof response>> = {
  apiKey: 3,
  name: 'Metadata',
  minVersion: 10,
  maxVersion: 12,
  flexibleFrom: 9,
  request,
  response,
};
