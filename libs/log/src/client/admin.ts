import type { Logger } from 'pino';
import type { LogConnection } from './connection.js';

/** A topic as it should be. `configs` has Kafka's own names. */
export interface TopicSettings {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Who makes the topics, and how. */
export interface TopicPolicy {
  /** `create` makes those that are missing; `check` wants them all made by somebody else. */
  readonly missing: 'create' | 'check';
  /** Copies of each partition; on `check`, the fewest that are enough. @default what the cluster has for new topics */
  readonly replicationFactor?: number;
  /** Kafka's topic configs by its own names, for every topic that is made. A topic's own configs win. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface AdminOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** @default `create`, as the cluster's defaults say */
  readonly topicPolicy?: TopicPolicy;
}

/** Asks about topics and makes them. */
export interface Admin extends AsyncDisposable {
  /**
   * Sees to it that the topics are there, as the {@link TopicPolicy} says, whoever else does the same at the same time.
   *
   * @throws LogError `TOPIC_MISMATCH` where one was made with fewer partitions than it should have, or has fewer copies
   * than the policy wants; `UNKNOWN_TOPIC`, retryable, where one is missing that somebody else is to make
   */
  ensureTopics(topics: readonly TopicSettings[]): Promise<void>;
  /** First offset and offset after the last, by partition. */
  offsets(topic: string): Promise<Map<number, { earliest: bigint; latest: bigint }>>;
  /** Offset of the first record with this timestamp (milliseconds) or a later one, else the end, by partition. */
  offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>>;
  /** Whether a broker answers. */
  ping(): Promise<boolean>;
}
