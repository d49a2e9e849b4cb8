import { ErrorCode, nameOf } from '../../protocol/error-codes.js';
import { FETCH_BY_ID, FETCH_BY_NAME, type FetchedPartitionResponse } from '../../protocol/fetch.js';
import { METADATA_WITH_IDS } from '../../protocol/metadata.js';
import { NO_UUID, type Api } from '../../protocol/schema.js';
import { requireTopic } from '../admin/topic-requests.js';
import { addressOf } from '../kafkajs/broker-socket.js';
import { KafkajsClient, type KafkajsClientOptions } from '../kafkajs/client.js';
import { ask, openCluster, type KafkajsBroker, type KafkajsCluster } from '../kafkajs/cluster.js';
import { isLeaderMoved, isRequestTimeout, toLogError } from '../kafkajs/errors.js';
import { ISOLATION_LEVELS, listOffsets, type Isolation, type OffsetBound } from '../kafkajs/list-offsets.js';
import { TopicPrefix } from '../core/connection.js';
import { LogError } from '../core/errors.js';

/** A topic as the cluster describes it now. */
export interface TopicLayout {
  /** Base64url; `undefined` if the cluster has no topic ids. */
  readonly topicId: string | undefined;
  /** The node that leads each partition; -1 if none does. */
  readonly leaders: ReadonlyMap<number, number>;
}

export interface FetchQuestion {
  readonly isolation: Isolation;
  readonly maxBytes: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly topicId: string | undefined;
    readonly partition: number;
    readonly offset: bigint;
    readonly maxBytes: number;
  }[];
}

export interface FetchAnswer {
  /** Whether the topics were identified by their ids, so that no other topic with the same name was read. */
  readonly isById: boolean;
  /** In the order of the request; `undefined` for a partition that is missing in the response. */
  readonly partitions: readonly (FetchedPartitionResponse | undefined)[];
}

/** The requests that reading ranges needs, over one connection per broker. Concurrent calls share it. */
export class RangeCluster implements Disposable {
  private readonly client: KafkajsClient;
  private readonly cluster: KafkajsCluster;
  private readonly prefix: TopicPrefix;
  /** Whether the addresses of the brokers have to be read before the next request. */
  private isStale = true;
  private isClosed = false;

  constructor(options: KafkajsClientOptions) {
    this.client = new KafkajsClient(options);
    this.cluster = openCluster(this.client.kafka);
    this.prefix = new TopicPrefix(options.connection.topicPrefix);
  }

  /** @throws LogError `UNKNOWN_TOPIC`, retryable; `REFUSED`; other retryable ones */
  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicLayout>> {
    return this.request('cannot look up the partitions', undefined, async (broker) => {
      const names = topics.map((topic) => this.prefix.add(topic));
      const found = supports(broker, METADATA_WITH_IDS)
        ? await describeWithIds(broker, names)
        : await describeByName(broker, names);
      return new Map(topics.map((topic, index) => [topic, found[index]!]));
    });
  }

  /** The offset of a bound in each partition, from the leader; undefined for a timestamp that is later than all records. */
  async listOffsets(
    nodeId: number,
    {
      topic,
      isolation,
      bounds,
    }: {
      readonly topic: string;
      readonly isolation: Isolation;
      readonly bounds: ReadonlyMap<number, OffsetBound>;
    },
  ): Promise<ReadonlyMap<number, bigint | undefined>> {
    if (bounds.size === 0) return new Map();
    return this.request(`cannot read the offsets of "${topic}"`, nodeId, (broker) =>
      listOffsets(broker, { topic: this.prefix.add(topic), isolation, bounds }),
    );
  }

  /** Fetches the available records without waiting for more. */
  async fetch(nodeId: number, { isolation, maxBytes, partitions }: FetchQuestion): Promise<FetchAnswer> {
    return this.request('cannot fetch records', nodeId, async (broker) => {
      const isById =
        supports(broker, FETCH_BY_ID) && partitions.every(({ topicId }) => topicId !== undefined);
      const topics = new Map<string, FetchQuestion['partitions'][number][]>();
      for (const each of partitions) topics.set(each.topic, [...(topics.get(each.topic) ?? []), each]);
      const { errorCode, topics: found } = await ask(broker, isById ? FETCH_BY_ID : FETCH_BY_NAME, {
        replicaId: -1,
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes,
        isolationLevel: ISOLATION_LEVELS[isolation],
        sessionId: 0,
        sessionEpoch: -1,
        topics: [...topics].map(([topic, wanted]) => ({
          topic: this.prefix.add(topic),
          topicId: toHex(wanted[0]?.topicId),
          partitions: wanted.map(({ partition, offset, maxBytes: partitionMaxBytes }) => ({
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: offset,
            lastFetchedEpoch: -1,
            logStartOffset: -1n,
            partitionMaxBytes,
          })),
        })),
        forgottenTopics: [],
        rackId: '',
      });
      if (errorCode !== ErrorCode.NONE)
        throw new LogError('UNAVAILABLE', `the broker answered ${nameOf(errorCode)}`, true);
      const answers = new Map(
        found.flatMap(({ topic, topicId, partitions: of }) =>
          of.map((each) => [`${each.partition}/${isById ? topicId : topic}`, each] as const),
        ),
      );
      return {
        isById,
        partitions: partitions.map(({ topic, topicId, partition }) =>
          answers.get(`${partition}/${isById ? toHex(topicId) : this.prefix.add(topic)}`),
        ),
      };
    });
  }

  [Symbol.dispose](): void {
    this.isClosed = true;
    this.client.kill();
  }

  /** Sends a request to one node, or to any if none is named. */
  private async request<R>(
    doing: string,
    nodeId: number | undefined,
    send: (broker: KafkajsBroker) => Promise<R>,
  ): Promise<R> {
    let broker: KafkajsBroker | undefined;
    try {
      if (this.isClosed) throw closed();
      await this.refresh();
      broker = await (nodeId === undefined
        ? this.cluster.brokerPool.findConnectedBroker()
        : this.leader(nodeId));
      return await send(broker);
    } catch (error) {
      if (this.isClosed) throw closed();
      // The broker may have moved, or another one may lead the partition.
      this.isStale = true;
      if (broker && isRequestTimeout(error)) this.client.dropSockets(addressOf(broker.connectionPool));
      throw toLogError(error, doing);
    }
  }

  private async leader(nodeId: number): Promise<KafkajsBroker> {
    if (nodeId < 0) throw new LogError('UNAVAILABLE', 'the partition has no leader', true);
    try {
      return await this.cluster.findBroker({ nodeId });
    } catch (error) {
      if (!isLeaderMoved(error)) throw error;
      await this.cluster.refreshMetadata();
      return this.cluster.findBroker({ nodeId });
    }
  }

  private async refresh(): Promise<void> {
    if (!this.isStale) return;
    await this.cluster.connect();
    await this.cluster.refreshMetadata();
    this.isStale = false;
  }
}

function closed(): LogError {
  return new LogError('CLOSED', 'the range reader is closed', false);
}

function supports(
  { versions }: KafkajsBroker,
  { apiKey, minVersion }: Pick<Api<never, never>, 'apiKey' | 'minVersion'>,
): boolean {
  return (versions[apiKey]?.maxVersion ?? -1) >= minVersion;
}

async function describeWithIds(broker: KafkajsBroker, names: readonly string[]): Promise<TopicLayout[]> {
  const { topics } = await ask(broker, METADATA_WITH_IDS, {
    topics: names.map((name) => ({ topicId: NO_UUID, name })),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return names.map((name) => {
    const { topicId, partitions } = requireTopic(topics, name);
    return {
      topicId: topicId === NO_UUID ? undefined : Buffer.from(topicId, 'hex').toString('base64url'),
      leaders: new Map(partitions.map(({ partitionIndex, leaderId }) => [partitionIndex, leaderId])),
    };
  });
}

/** Kafka before 2.8. */
async function describeByName(broker: KafkajsBroker, names: readonly string[]): Promise<TopicLayout[]> {
  const { topicMetadata } = await broker.metadata(names);
  return names.map((name) => {
    const partitions = topicMetadata.find(({ topic }) => topic === name)?.partitionMetadata ?? [];
    return {
      topicId: undefined,
      leaders: new Map(partitions.map(({ partitionId, leader }) => [partitionId, leader])),
    };
  });
}

function toHex(topicId: string | undefined): string {
  return topicId === undefined ? NO_UUID : Buffer.from(topicId, 'base64url').toString('hex');
}
