import { ErrorCode } from '../../protocol/error-codes.js';
import { METADATA_WITH_IDS, type MetadataResponse, type TopicMetadata } from '../../protocol/metadata.js';
import { NO_UUID } from '../../protocol/schema.js';
import { ask, type KafkajsBroker, type KafkajsCluster } from '../kafkajs/cluster.js';
import { listOffsets, type Isolation } from '../kafkajs/list-offsets.js';
import { LogError } from '../core/errors.js';
import type { TopicIdentity } from './admin.js';

/** A topic as the cluster describes it. */
interface DescribedTopic {
  /** Name in the cluster, with the prefix. */
  readonly name: string;
  readonly identity: TopicIdentity;
}

/** Describes topics, given by their names in the cluster. @throws LogError if `Admin.identities` does */
export async function describeTopics(
  cluster: KafkajsCluster,
  topics: readonly string[],
): Promise<DescribedTopic[]> {
  const { clusterId, topics: found } = await askForTopics(cluster, topics);
  return topics.map((name) => {
    const { topicId } = requireTopic(found, name);
    if (clusterId === null || topicId === NO_UUID) {
      throw new LogError(
        'REFUSED',
        `the cluster has no topic ids, which topic "${name}" needs: Kafka has them from 2.8`,
        false,
      );
    }
    return { name, identity: { clusterId, topicId: Buffer.from(topicId, 'hex').toString('base64url') } };
  });
}

/** First offset and the offset after the last one, by partition, from the partitions' leaders. */
export async function partitionOffsets(
  cluster: KafkajsCluster,
  topic: string,
  isolation: Isolation,
): Promise<Map<number, { earliest: bigint; latest: bigint }>> {
  const leaders = await partitionsByLeader(cluster, topic);
  const found = await Promise.all(
    [...leaders].map(async ([nodeId, partitions]) => {
      const at = async (bound: 'earliest' | 'latest') => {
        const bounds = new Map(partitions.map((partition) => [partition, bound]));
        return listOffsets(await cluster.findBroker({ nodeId }), { topic, isolation, bounds });
      };
      const earliest = await at('earliest');
      const latest = await at('latest');
      return partitions.map(
        (partition) =>
          [partition, { earliest: earliest.get(partition)!, latest: latest.get(partition)! }] as const,
      );
    }),
  );
  return new Map(found.flat().sort(([one], [other]) => one - other));
}

async function partitionsByLeader(cluster: KafkajsCluster, topic: string): Promise<Map<number, number[]>> {
  const broker = await anyBroker(cluster);
  const { topicMetadata } = await broker.metadata([topic]);
  const leaders = new Map<number, number[]>();
  for (const { partitionMetadata } of topicMetadata) {
    for (const { partitionId, leader } of partitionMetadata) {
      leaders.set(leader, [...(leaders.get(leader) ?? []), partitionId]);
    }
  }
  return leaders;
}

async function askForTopics(cluster: KafkajsCluster, topics: readonly string[]): Promise<MetadataResponse> {
  const broker = await anyBroker(cluster);
  return ask(broker, METADATA_WITH_IDS, {
    topics: topics.map((name) => ({ topicId: NO_UUID, name })),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
}

async function anyBroker(cluster: KafkajsCluster): Promise<KafkajsBroker> {
  await cluster.connect();
  await cluster.refreshMetadataIfNecessary();
  return cluster.brokerPool.findConnectedBroker();
}

/** @throws LogError `UNKNOWN_TOPIC`, `REFUSED` or `UNAVAILABLE` if the cluster does not describe the topic */
export function requireTopic(found: readonly TopicMetadata[], name: string): TopicMetadata {
  const topic = found.find((each) => each.name === name);
  switch (topic?.errorCode) {
    case ErrorCode.NONE:
      return topic;
    case undefined:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      throw new LogError('UNKNOWN_TOPIC', `the log has no topic "${name}"`, true);
    case ErrorCode.TOPIC_AUTHORIZATION_FAILED:
    case ErrorCode.INVALID_TOPIC_EXCEPTION:
      throw new LogError('REFUSED', `not authorized to describe topic "${name}"`, false);
    default: {
      const message = `the cluster cannot describe topic "${name}": error code ${topic?.errorCode}`;
      throw new LogError('UNAVAILABLE', message, true);
    }
  }
}
