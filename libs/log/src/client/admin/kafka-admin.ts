import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import kafkajs, { type Admin as Kafkajs, type ITopicMetadata } from 'kafkajs';
import { KafkajsClient } from '../kafkajs/client.js';
import { openCluster, type KafkajsCluster } from '../kafkajs/cluster.js';
import { isLeaderMoved, isMetadataMissing, isUnknownTopic, toLogError } from '../kafkajs/errors.js';
import { TopicPrefix } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import type {
  Admin,
  AdminOptions,
  OffsetsOptions,
  TopicIdentity,
  TopicPolicy,
  TopicSettings,
} from './admin.js';
import { describeTopics, partitionOffsets } from './topic-requests.js';

const REQUEST_TIMEOUT_MS = 5_000;
/** Stands for the cluster's default in a request. */
const DEFAULT_REPLICATION = -1;
const DEFAULT_POLICY: TopicPolicy = { missing: 'create' };
/** A new topic is not known to all brokers immediately. */
const NEW_TOPIC_LOOK_UPS = 8;
/** Maximum number of requests that wait or are in flight; more fail at once. */
const MAX_PENDING_REQUESTS = 100;
const LOOK_UP_BACKOFF = { firstMs: 25, maxMs: 1_000 };

interface Session {
  readonly client: KafkajsClient;
  readonly admin: Kafkajs;
  readonly cluster: KafkajsCluster;
}

/** Creates an admin client. It connects with the first request, and again after an outage. */
export function createAdmin(options: AdminOptions): Admin {
  return new KafkaAdmin(options);
}

/** {@link Admin} over kafkajs. */
export class KafkaAdmin implements Admin {
  private session: Session | undefined;
  private closed = false;
  /** The last request. */
  private last: Promise<unknown> = Promise.resolve();
  /** Requests that have no response yet. */
  private pending = 0;
  private readonly prefix: TopicPrefix;
  private readonly policy: TopicPolicy;

  constructor(private readonly options: AdminOptions) {
    this.prefix = new TopicPrefix(options.connection.topicPrefix);
    this.policy = options.topicPolicy ?? DEFAULT_POLICY;
  }

  async ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    if (this.policy.missing === 'check') return this.checkTopics(topics);
    // One request each: kafkajs reports an existing topic only for the request as a whole.
    for (const topic of topics) await this.createTopic(topic);
    for (const { name, partitions } of topics) {
      const found = await this.lookUpNew(name);
      if (found.partitions.length >= partitions) continue;
      const message = `topic "${found.name}" has ${found.partitions.length} partitions, ${partitions} are required`;
      throw new LogError('TOPIC_MISMATCH', message, false);
    }
  }

  async offsets(
    topic: string,
    { isolation = 'read_uncommitted' }: OffsetsOptions = {},
  ): Promise<Map<number, { earliest: bigint; latest: bigint }>> {
    const inCluster = this.prefix.add(topic);
    return this.inTurn(`cannot read the offsets of "${topic}"`, async ({ cluster }) => {
      try {
        return await partitionOffsets(cluster, inCluster, isolation);
      } catch (error) {
        if (!isLeaderMoved(error)) throw error;
        await cluster.refreshMetadata();
        return await partitionOffsets(cluster, inCluster, isolation);
      }
    });
  }

  async identities(topics: readonly string[]): Promise<ReadonlyMap<string, TopicIdentity>> {
    const described = await this.inTurn('cannot read the identity of the topics', ({ cluster }) =>
      describeTopics(
        cluster,
        topics.map((topic) => this.prefix.add(topic)),
      ),
    );
    return new Map(described.map(({ name, identity }) => [this.prefix.remove(name), identity]));
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>> {
    const partitions = await this.ask(`cannot read the offsets of "${topic}"`, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(this.prefix.add(topic), timestampMs),
    );
    return new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  async ping(): Promise<boolean> {
    try {
      // A health check must not wait for other requests.
      await this.askNow(
        'cannot reach the log',
        connected((admin) => admin.describeCluster()),
      );
      return true;
    } catch (error) {
      this.options.logger.debug({ err: error }, 'no broker answered');
      return false;
    }
  }

  async committed(groupId: string, topic: string): Promise<Map<number, bigint>> {
    const answers = await this.ask(`cannot read the committed offsets of group "${groupId}"`, (admin) =>
      admin.fetchOffsets({
        groupId: this.prefix.add(groupId),
        topics: [this.prefix.add(topic)],
      }),
    );
    const partitions = answers.flatMap(({ partitions }) => partitions);
    const committed = partitions.map(({ partition, offset }) => [partition, BigInt(offset)] as const);
    return new Map(committed.filter(([, offset]) => offset >= 0n));
  }

  async configs(topic: string): Promise<ReadonlyMap<string, string>> {
    const { resources } = await this.ask(`cannot read the configs of "${topic}"`, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: this.prefix.add(topic) }],
      }),
    );
    const entries = resources.flatMap(({ configEntries }) => configEntries);
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  }

  /** Deletes groups that have no members. */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    await this.ask(`cannot delete the groups ${groupIds.join(', ')}`, (admin) =>
      admin.deleteGroups(groupIds.map((groupId) => this.prefix.add(groupId))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.drop();
  }

  private async createTopic({ name, partitions, configs }: TopicSettings): Promise<void> {
    const topic = this.prefix.add(name);
    const configEntries = Object.entries({ ...this.policy.configs, ...configs });
    await this.ask(`cannot make topic "${topic}"`, (admin) =>
      admin.createTopics({
        topics: [
          {
            topic,
            numPartitions: partitions,
            replicationFactor: this.policy.replicationFactor ?? DEFAULT_REPLICATION,
            configEntries: configEntries.map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeout: REQUEST_TIMEOUT_MS,
        // The caller waits until the new partitions are visible.
        waitForLeaders: false,
      }),
    );
  }

  /** Accepts any number of partitions: it is the decision of the topic's creator. */
  private async checkTopics(topics: readonly TopicSettings[]): Promise<void> {
    const required = topics.map(({ name }) => this.prefix.add(name));
    // Lists all topics, because requesting a missing one by name may create it.
    const present = new Set(await this.ask('cannot list the topics', (admin) => admin.listTopics()));
    const missing = required.filter((name) => !present.has(name));
    if (missing.length > 0) {
      const message = `the log has no topic ${missing.map((name) => `"${name}"`).join(', ')}; create it, or set the topic policy to "create"`;
      throw new LogError('UNKNOWN_TOPIC', message, true);
    }
    const { topics: found } = await this.ask('cannot look up the topics', (admin) =>
      admin.fetchTopicMetadata({ topics: required }),
    );
    for (const topic of found) requireReplicas(topic, this.policy.replicationFactor ?? 1);
  }

  private async lookUpNew(topic: string): Promise<ITopicMetadata> {
    const inCluster = this.prefix.add(topic);
    for (let retry = 0; ; retry += 1) {
      try {
        const { topics } = await this.ask(`cannot look up topic "${inCluster}"`, (admin) =>
          admin.fetchTopicMetadata({ topics: [inCluster] }),
        );
        return topics.find(({ name }) => name === inCluster) ?? { name: inCluster, partitions: [] };
      } catch (error) {
        const isNew = isUnknownTopic(error) || isMetadataMissing(error);
        if (!isNew || retry >= NEW_TOPIC_LOOK_UPS) throw error;
        await sleep(backoffMs(retry, LOOK_UP_BACKOFF));
      }
    }
  }

  private ask<R>(doing: string, request: (admin: Kafkajs) => Promise<R>): Promise<R> {
    return this.inTurn(doing, connected(request));
  }

  /** One request at a time: kafkajs replaces its metadata by that of the topics of the latest request. */
  private async inTurn<R>(doing: string, request: (session: Session) => Promise<R>): Promise<R> {
    if (this.pending >= MAX_PENDING_REQUESTS) {
      throw new LogError('UNAVAILABLE', `${doing}: ${this.pending} other requests are waiting`, true);
    }
    this.pending += 1;
    const answer = this.last.then(() => this.askNow(doing, request));
    this.last = answer.catch(() => undefined);
    try {
      return await answer;
    } finally {
      this.pending -= 1;
    }
  }

  private async askNow<R>(doing: string, request: (session: Session) => Promise<R>): Promise<R> {
    if (this.closed) throw new LogError('CLOSED', `${doing}: the admin client is closed`, false);
    const session = (this.session ??= this.openSession());
    try {
      return await request(session);
    } catch (error) {
      const failure = toLogError(error, doing);
      // After a failure a new connection is opened. Besides, kafkajs requests the metadata of every topic that was ever used
      // on a connection, and fails once one of them is deleted.
      if (failure.retryable) this.drop();
      throw failure;
    }
  }

  private openSession(): Session {
    const { connection, logger } = this.options;
    const client = new KafkajsClient({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    return { client, admin: client.kafka.admin(), cluster: openCluster(client.kafka) };
  }

  private drop(): void {
    this.session?.client.kill();
    this.session = undefined;
  }
}

/** A request through kafkajs's admin client. */
function connected<R>(request: (admin: Kafkajs) => Promise<R>): (session: Session) => Promise<R> {
  return async ({ admin }) => {
    await admin.connect();
    return request(admin);
  };
}

function requireReplicas({ name, partitions }: ITopicMetadata, replicationFactor: number): void {
  const fewest = Math.min(...partitions.map(({ replicas }) => replicas.length));
  if (fewest >= replicationFactor) return;
  const message = `topic "${name}" has ${fewest} replicas of a partition, ${replicationFactor} are required`;
  throw new LogError('TOPIC_MISMATCH', message, false);
}
