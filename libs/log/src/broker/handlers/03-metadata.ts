/*
 * Metadata (key 3), versions 0-12.
 *
 * - One broker: leader and only replica of every partition, and the controller.
 * - No topics (null, or empty in version 0): all of them.
 * - Creates a missing topic if the client and `auto.create.topics.enable` allow it, and returns it at once: Kafka
 *   returns UNKNOWN_TOPIC_OR_PARTITION, and the client retries.
 *
 * 1 rack, controller, internal · 2 cluster id · 4 allow auto creation · 5 offline replicas · 7 leader epoch ·
 * 8 authorized operations · 9 flexible · 10 topic ids · 12 topics by id
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import type { Topic } from '../storage/topics/log-store.js';
import { topicForWriting } from './auto-create.js';
import { AUTHORIZED_OPERATIONS, OPERATIONS_NOT_ASKED } from './authorized-operations.js';
import { defineHandler, type RequestContext } from './handler.js';
import { isInternal } from './internal-topics.js';

const LEADER_EPOCH = 0;

const request = t.struct({
  topics: t.nullableArray(
    t.struct({
      topicId: t.since(10, t.uuid, t.NO_UUID),
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
      topicId: t.since(10, t.uuid, t.NO_UUID),
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

type TopicAnswer = t.ValueOf<typeof response>['topics'][number];

export const metadata = defineHandler({
  apiKey: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 12,
  flexibleFrom: 9,
  request,
  response,
  async handle({ topics, allowAutoTopicCreation, ...wanted }, context) {
    const { node, store } = context;
    const all = topics === null || (context.apiVersion === 0 && topics.length === 0);
    const described = all
      ? store.all().map((topic) => describe(topic, node.id))
      : await Promise.all(topics.map((topic) => describeAsked(topic, allowAutoTopicCreation, context)));
    return {
      throttleTimeMs: 0,
      brokers: [{ nodeId: node.id, host: node.host, port: node.port, rack: node.rack }],
      clusterId: store.clusterId,
      controllerId: node.id,
      topics: described.map((topic) =>
        wanted.includeTopicAuthorizedOperations
          ? { ...topic, topicAuthorizedOperations: AUTHORIZED_OPERATIONS.topic }
          : topic,
      ),
      clusterAuthorizedOperations: wanted.includeClusterAuthorizedOperations
        ? AUTHORIZED_OPERATIONS.cluster
        : OPERATIONS_NOT_ASKED,
    };
  },
});

async function describeAsked(
  { topicId, name }: { topicId: string; name: string | null },
  mayCreate: boolean,
  context: RequestContext,
): Promise<TopicAnswer> {
  const { store, node } = context;
  if (name === null) {
    const topic = store.topicById(topicId);
    return topic === undefined
      ? unknown(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID)
      : describe(topic, node.id);
  }
  const known = store.topic(name);
  if (known !== undefined) return describe(known, node.id);
  if (!mayCreate) return unknown(name, topicId, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  try {
    return describe(await topicForWriting(name, context), node.id);
  } catch (error) {
    return unknown(name, topicId, codeOf(error));
  }
}

function unknown(name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}

function describe({ name, id, partitions }: Topic, nodeId: number): TopicAnswer {
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal: isInternal(name),
    partitions: partitions.map((_, partitionIndex) => ({
      errorCode: ErrorCode.NONE,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch: LEADER_EPOCH,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
      offlineReplicas: [],
    })),
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}
