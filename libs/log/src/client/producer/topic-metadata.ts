import type { Admin } from 'kafkajs';
import type { Logger } from 'pino';
import { KafkajsClient } from '../kafkajs/client.js';
import { isUnknownTopic, toLogError } from '../kafkajs/errors.js';
import { TopicPrefix, type LogConnection } from '../core/connection.js';
import { LogError } from '../core/errors.js';

/** The node that leads each partition, by partition number. */
export type TopicLeaders = readonly number[];

const REQUEST_TIMEOUT_MS = 5_000;

/** Requests and caches the partition leaders of topics. */
export class TopicMetadata {
  private readonly known = new Map<string, TopicLeaders>();
  private readonly prefix: TopicPrefix;
  private client: { kafkajs: KafkajsClient; admin: Admin } | undefined;

  constructor(
    private readonly connection: LogConnection,
    private readonly logger: Logger,
  ) {
    this.prefix = new TopicPrefix(connection.topicPrefix);
  }

  get(topic: string): TopicLeaders | undefined {
    return this.known.get(topic);
  }

  /** Topics in the cache. */
  topics(): string[] {
    return [...this.known.keys()];
  }

  /** @throws LogError retryable, if no broker responds or the topic does not exist (yet) */
  async lookUp(topic: string): Promise<TopicLeaders> {
    const inCluster = this.prefix.add(topic);
    try {
      const admin = await this.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [inCluster] });
      const partitions = topics.find(({ name }) => name === inCluster)?.partitions ?? [];
      if (partitions.length === 0) throw unknownTopic(inCluster);
      const leaders: number[] = [];
      for (const { partitionId, leader } of partitions) leaders[partitionId] = leader;
      this.known.set(topic, leaders);
      return leaders;
    } catch (error) {
      if (isUnknownTopic(error)) throw unknownTopic(inCluster, error);
      if (error instanceof LogError) throw error;
      this.drop();
      throw toLogError(error, `cannot look up topic "${inCluster}"`);
    }
  }

  /** @throws LogError if no broker answers */
  async reach(): Promise<void> {
    try {
      const admin = await this.connect();
      await admin.describeCluster();
    } catch (error) {
      this.drop();
      throw toLogError(error, 'cannot reach the log');
    }
  }

  /** Closes the connections; the next request opens new ones. */
  drop(): void {
    this.client?.kafkajs.kill();
    this.client = undefined;
  }

  private async connect(): Promise<Admin> {
    if (!this.client) {
      const { connection, logger } = this;
      const kafkajs = new KafkajsClient({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
      this.client = { kafkajs, admin: kafkajs.kafka.admin() };
    }
    const { admin } = this.client;
    await admin.connect();
    return admin;
  }
}

function unknownTopic(topic: string, cause?: unknown): LogError {
  return new LogError('UNKNOWN_TOPIC', `the log has no topic "${topic}"`, true, { cause });
}
