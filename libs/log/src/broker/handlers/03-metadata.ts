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
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import { METADATA, OPERATIONS_NOT_ASKED, type TopicMetadata } from '../../protocol/metadata.js';
import type { Topic } from '../storage/topics/log-store.js';
import { AUTHORIZED_OPERATIONS } from './authorized-operations.js';
import { defineHandler, type RequestContext } from './handler.js';
import { checkNotInternal, isInternal } from '../storage/topics/internal-topics.js';
import { uniqueBy } from './repeated.js';

const LEADER_EPOCH = 0;

export const metadata = defineHandler({
  ...METADATA,
  async handle({ topics, allowAutoTopicCreation, ...wanted }, context) {
    const { node, store } = context;
    const all = topics === null || (context.apiVersion === 0 && topics.length === 0);
    const described = all
      ? store.all().map((topic) => describe(topic, node.id))
      : await Promise.all(
          uniqueBy(topics, ({ name, topicId }) => name ?? ` ${topicId}`).map((topic) =>
            describeAsked(topic, allowAutoTopicCreation, context),
          ),
        );
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
): Promise<TopicMetadata> {
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

/**
 * Creates a topic on first use if `auto.create.topics.enable` is set.
 *
 * @throws ProtocolError `UNKNOWN_TOPIC_OR_PARTITION` if it is not
 */
async function topicForWriting(name: string, context: RequestContext): Promise<Topic> {
  const { config, store, logger, clientId } = context;
  if (!config.boolean('auto.create.topics.enable')) {
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic '${name}' does not exist.`);
  }
  checkNotInternal(name);
  try {
    const partitions = config.number('num.partitions');
    const topic = await store.create(name, partitions, {});
    logger.info({ topic: name, partitions, clientId }, 'topic created on first use');
    return topic;
  } catch (error) {
    const concurrent = store.topic(name);
    if (concurrent !== undefined) return concurrent;
    throw error;
  }
}

function unknown(name: string | null, topicId: string, errorCode: number): TopicMetadata {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}

function describe({ name, id, partitions }: Topic, nodeId: number): TopicMetadata {
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
