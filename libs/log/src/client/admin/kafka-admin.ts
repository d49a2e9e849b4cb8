import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import kafkajs, { type Admin as Kafkajs, type ITopicMetadata } from 'kafkajs';
import { KafkajsClient } from '../kafkajs/client.js';
import { openCluster, type KafkajsCluster } from '../kafkajs/cluster.js';
import { isLeaderMoved, isMetadataMissing, isUnknownTopic, toLogError } from '../kafkajs/errors.js';
import { LogNames } from '../kafkajs/topic-prefix.js';
import { LogError } from '../shared/errors.js';
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
/** The cluster's own default, as Kafka names it in a request. */
const DEFAULT_REPLICATION = -1;
const DEFAULT_POLICY: TopicPolicy = { missing: 'create' };
/** A topic just made may be unknown for a moment to the broker that is asked next. */
const NEW_TOPIC_LOOK_UPS = 8;
/** Questions that wait for their turn, the one that is asked included; beyond it they fail at once. */
const MAX_OPEN_QUESTIONS = 100;
const LOOK_UP_BACKOFF = { firstMs: 25, maxMs: 1_000 };

interface Session {
  readonly client: KafkajsClient;
  readonly admin: Kafkajs;
  readonly cluster: KafkajsCluster;
}

/** Makes an admin client. It connects with the first question, and again after any outage. */
export function createAdmin(options: AdminOptions): Admin {
  return new KafkaAdmin(options);
}

/** {@link Admin} over kafkajs. */
export class KafkaAdmin implements Admin {
  private session: Session | undefined;
  private closed = false;
  /** The last question, answered or not. */
  private turn: Promise<unknown> = Promise.resolve();
  /** Questions that have no answer yet. */
  private open = 0;
  private readonly names: LogNames;
  private readonly policy: TopicPolicy;

  constructor(private readonly options: AdminOptions) {
    this.names = new LogNames(options.connection.topicPrefix);
    this.policy = options.topicPolicy ?? DEFAULT_POLICY;
  }

  async ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    if (this.policy.missing === 'check') return this.checkTopics(topics);
    // One request each: kafkajs tells of a topic that exists already only for the request as a whole.
    for (const topic of topics) await this.createTopic(topic);
    for (const { name, partitions } of topics) {
      const found = await this.lookUpNew(name);
      if (found.partitions.length >= partitions) continue;
      const message = `topic "${found.name}" has ${found.partitions.length} partitions, ${partitions} are needed`;
      throw new LogError('TOPIC_MISMATCH', message, false);
    }
  }

  async offsets(
    topic: string,
    { isolation = 'read_uncommitted' }: OffsetsOptions = {},
  ): Promise<Map<number, { earliest: bigint; latest: bigint }>> {
    const inCluster = this.names.inCluster(topic);
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
        topics.map((topic) => this.names.inCluster(topic)),
      ),
    );
    return new Map(described.map(({ name, identity }) => [this.names.ours(name), identity]));
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>> {
    const partitions = await this.ask(`cannot read the offsets of "${topic}"`, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(this.names.inCluster(topic), timestampMs),
    );
    return new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  async ping(): Promise<boolean> {
    try {
      // Whoever asks for health does not wait for others.
      await this.askNow(
        'cannot reach the log',
        connected((admin) => admin.describeCluster()),
      );
      return true;
    } catch (error) {
      this.options.logger.debug({ err: error }, 'no broker answers');
      return false;
    }
  }

  /** Where a group goes on, by partition; partitions for which it has committed nothing are left out. */
  async committed(groupId: string, topic: string): Promise<Map<number, bigint>> {
    const answers = await this.ask(`cannot read what group "${groupId}" committed`, (admin) =>
      admin.fetchOffsets({
        groupId: this.names.inCluster(groupId),
        topics: [this.names.inCluster(topic)],
      }),
    );
    const partitions = answers.flatMap(({ partitions }) => partitions);
    const committed = partitions.map(({ partition, offset }) => [partition, BigInt(offset)] as const);
    return new Map(committed.filter(([, offset]) => offset >= 0n));
  }

  /** A topic's own or inherited settings, by Kafka's names. */
  async configs(topic: string): Promise<ReadonlyMap<string, string>> {
    const { resources } = await this.ask(`cannot read the settings of "${topic}"`, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: this.names.inCluster(topic) }],
      }),
    );
    const entries = resources.flatMap(({ configEntries }) => configEntries);
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  }

  /** Removes groups that nobody is a member of. */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    await this.ask(`cannot delete the groups ${groupIds.join(', ')}`, (admin) =>
      admin.deleteGroups(groupIds.map((groupId) => this.names.inCluster(groupId))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.drop();
  }

  private async createTopic({ name, partitions, configs }: TopicSettings): Promise<void> {
    const topic = this.names.inCluster(name);
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
        // What is waited for afterwards says more: the partitions as they are known to all who ask.
        waitForLeaders: false,
      }),
    );
  }

  /** How many partitions there are is the affair of whoever made the topic: any number works. */
  private async checkTopics(topics: readonly TopicSettings[]): Promise<void> {
    const wanted = topics.map(({ name }) => this.names.inCluster(name));
    // Asked for by name, a topic that is missing might be made just for that.
    const present = new Set(await this.ask('cannot list the topics', (admin) => admin.listTopics()));
    const missing = wanted.filter((name) => !present.has(name));
    if (missing.length > 0) {
      const message = `the log has no topic ${missing.map((name) => `"${name}"`).join(', ')}; somebody else is to make what is missing`;
      throw new LogError('UNKNOWN_TOPIC', message, true);
    }
    const { topics: found } = await this.ask('cannot look up the topics', (admin) =>
      admin.fetchTopicMetadata({ topics: wanted }),
    );
    for (const topic of found) requireCopies(topic, this.policy.replicationFactor ?? 1);
  }

  private async lookUpNew(topic: string): Promise<ITopicMetadata> {
    const inCluster = this.names.inCluster(topic);
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

  private ask<R>(doing: string, question: (admin: Kafkajs) => Promise<R>): Promise<R> {
    return this.inTurn(doing, connected(question));
  }

  /** One question at a time: kafkajs takes what one of them learnt of its topics for all there is to know. */
  private async inTurn<R>(doing: string, question: (session: Session) => Promise<R>): Promise<R> {
    if (this.open >= MAX_OPEN_QUESTIONS) {
      throw new LogError('UNAVAILABLE', `${doing}: ${this.open} other questions wait for the log`, true);
    }
    this.open += 1;
    const answer = this.turn.then(() => this.askNow(doing, question));
    this.turn = answer.catch(() => undefined);
    try {
      return await answer;
    } finally {
      this.open -= 1;
    }
  }

  private async askNow<R>(doing: string, question: (session: Session) => Promise<R>): Promise<R> {
    if (this.closed) throw new LogError('CLOSED', `${doing}: the admin client was closed`, false);
    const session = (this.session ??= this.openSession());
    try {
      return await question(session);
    } catch (error) {
      const failure = toLogError(error, doing);
      // A connection that failed once is not trusted again; and one that was asked for a topic asks for it with
      // every question from then on, and fails with it once somebody removes it.
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

/** A question that kafkajs's admin answers. */
function connected<R>(question: (admin: Kafkajs) => Promise<R>): (session: Session) => Promise<R> {
  return async ({ admin }) => {
    await admin.connect();
    return question(admin);
  };
}

function requireCopies({ name, partitions }: ITopicMetadata, replicationFactor: number): void {
  const fewest = Math.min(...partitions.map(({ replicas }) => replicas.length));
  if (fewest >= replicationFactor) return;
  const message = `topic "${name}" has ${fewest} copies of a partition, ${replicationFactor} are needed`;
  throw new LogError('TOPIC_MISMATCH', message, false);
}
