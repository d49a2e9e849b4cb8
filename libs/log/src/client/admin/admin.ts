import type { Logger } from 'pino';
import type { LogConnection } from '../shared/connection.js';

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

/**
 * Which topic it is, whatever its name: a topic that was deleted and created again has another id, and one in another
 * cluster another cluster id. A position means something only in the topic it was read from.
 */
export interface TopicIdentity {
  readonly clusterId: string;
  /** As Kafka prints it: 22 characters of base64url. */
  readonly topicId: string;
}

export interface OffsetsOptions {
  /**
   * With `read_committed`, `latest` is the last stable offset: how far consumers get while transactions are open. With
   * `read_uncommitted` it is the high watermark.
   *
   * @default read_uncommitted
   */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
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
  /** First offset and offset after the last, by partition. Offsets without a record, as markers of transactions have, count. */
  offsets(
    topic: string,
    options?: OffsetsOptions,
  ): Promise<Map<number, { earliest: bigint; latest: bigint }>>;
  /**
   * The identity of each topic, by name.
   *
   * @throws LogError `UNKNOWN_TOPIC`, retryable, if one does not exist; `REFUSED` if the cluster has no topic ids, which
   * Kafka has from 2.8 on
   */
  identities(topics: readonly string[]): Promise<ReadonlyMap<string, TopicIdentity>>;
  /** Offset of the first record with this timestamp (milliseconds) or a later one, else the end, by partition. */
  offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>>;
  /** Whether a broker answers. */
  ping(): Promise<boolean>;
}
