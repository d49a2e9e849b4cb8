import type { Admin as Kafkajs } from 'kafkajs';
import type { Admin, AdminOptions, TopicSettings } from './admin.js';
import { backoffMs, pauseFor } from './backoff.js';
import { LogError } from './errors.js';
import { KafkajsClient } from './kafkajs-client.js';
import { isUnknownTopic, toLogError } from './kafkajs-errors.js';

const REQUEST_TIMEOUT_MS = 5_000;
/** What the cluster's own default is: one copy on a single node, as configured elsewhere. */
const DEFAULT_REPLICATION = -1;
/** A topic just made may be unknown for a moment to the broker that is asked next. */
const NEW_TOPIC_LOOK_UPS = 8;
const LOOK_UP_BACKOFF = { firstMs: 25, maxMs: 1_000 };

/** Makes an admin client. It connects with the first question, and again after any outage. */
export function createAdmin(options: AdminOptions): Admin {
  return new KafkajsAdmin(options);
}

/** {@link Admin} over kafkajs. */
export class KafkajsAdmin implements Admin {
  private session: { client: KafkajsClient; admin: Kafkajs } | undefined;
  private closed = false;

  constructor(private readonly options: AdminOptions) {}

  async ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    // One request each: kafkajs tells of a topic that exists already only for the request as a whole.
    for (const topic of topics) {
      await this.ask(`cannot make topic "${topic.name}"`, (admin) =>
        admin.createTopics({
          topics: [
            {
              topic: topic.name,
              numPartitions: topic.partitions,
              replicationFactor: DEFAULT_REPLICATION,
              configEntries: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
            },
          ],
          timeout: REQUEST_TIMEOUT_MS,
          // What is waited for below says more: the partitions as they are known to all who ask.
          waitForLeaders: false,
        }),
      );
    }
    for (const topic of topics) await this.requirePartitions(topic);
  }

  async offsets(topic: string): Promise<Map<number, { earliest: bigint; latest: bigint }>> {
    const partitions = await this.ask(`cannot read the offsets of "${topic}"`, (admin) =>
      admin.fetchTopicOffsets(topic),
    );
    return new Map(
      partitions.map(({ partition, low, high }) => [
        partition,
        { earliest: BigInt(low), latest: BigInt(high) },
      ]),
    );
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>> {
    const partitions = await this.ask(`cannot read the offsets of "${topic}"`, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, timestampMs),
    );
    return new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  async ping(): Promise<boolean> {
    try {
      await this.ask('cannot reach the log', (admin) => admin.describeCluster());
      return true;
    } catch (error) {
      this.options.logger.debug({ err: error }, 'no broker answers');
      return false;
    }
  }

  /** Where a group goes on, by partition; partitions for which it has committed nothing are left out. */
  async committed(groupId: string, topic: string): Promise<Map<number, bigint>> {
    const answers = await this.ask(`cannot read what group "${groupId}" committed`, (admin) =>
      admin.fetchOffsets({ groupId, topics: [topic] }),
    );
    const partitions = answers.flatMap(({ partitions }) => partitions);
    const committed = partitions.map(({ partition, offset }) => [partition, BigInt(offset)] as const);
    return new Map(committed.filter(([, offset]) => offset >= 0n));
  }

  /** Removes groups that nobody is a member of. */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    await this.ask(`cannot delete the groups ${groupIds.join(', ')}`, (admin) =>
      admin.deleteGroups([...groupIds]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.drop();
  }

  private async requirePartitions({ name, partitions }: TopicSettings): Promise<void> {
    const found = await this.countPartitions(name);
    if (found >= partitions) return;
    const message = `topic "${name}" has ${found} partitions, ${partitions} are needed`;
    throw new LogError('TOPIC_MISMATCH', message, false);
  }

  private async countPartitions(topic: string): Promise<number> {
    for (let retry = 0; ; retry += 1) {
      try {
        const { topics } = await this.ask(`cannot look up topic "${topic}"`, (admin) =>
          admin.fetchTopicMetadata({ topics: [topic] }),
        );
        return topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
      } catch (error) {
        if (!isUnknownTopic(error) || retry >= NEW_TOPIC_LOOK_UPS) throw error;
        await pauseFor(backoffMs(retry, LOOK_UP_BACKOFF));
      }
    }
  }

  private async ask<R>(doing: string, question: (admin: Kafkajs) => Promise<R>): Promise<R> {
    if (this.closed) throw new LogError('CLOSED', `${doing}: the admin client was closed`, false);
    const session = (this.session ??= this.open());
    try {
      await session.admin.connect();
      return await question(session.admin);
    } catch (error) {
      const failure = toLogError(error, doing);
      // A connection that failed once is not trusted again.
      if (failure.retryable && !isUnknownTopic(error)) this.drop();
      throw failure;
    }
  }

  private open(): { client: KafkajsClient; admin: Kafkajs } {
    const { connection, logger } = this.options;
    const client = new KafkajsClient({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    return { client, admin: client.kafka.admin() };
  }

  private drop(): void {
    this.session?.client.kill();
    this.session = undefined;
  }
}
