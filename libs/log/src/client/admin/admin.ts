import type { Logger } from 'pino';
import type { LogConnection } from '../core/connection.js';

/** A topic to create. `configs` has Kafka's names. */
export interface TopicSettings {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Whether topics are created, and with which settings. */
export interface TopicPolicy {
  /** `create` creates missing topics; `check` requires that all of them exist. */
  readonly missing: 'create' | 'check';
  /** Replicas of each partition; with `check`, the minimum. @default the cluster's `default.replication.factor` */
  readonly replicationFactor?: number;
  /** Configs, by Kafka's names, of every topic that is created. A topic's own configs override them. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface AdminOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** @default `create`, with the cluster's defaults */
  readonly topicPolicy?: TopicPolicy;
}

/**
 * Identifies a topic beyond its name: a topic that is deleted and created again has another id, and one in another cluster
 * another cluster id. A position is valid only in the topic from which it was read.
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

/** Creates and describes topics. */
export interface Admin extends AsyncDisposable {
  /**
   * Creates or checks the topics, as the {@link TopicPolicy} says. Several processes may do so at the same time.
   *
   * @throws LogError `TOPIC_MISMATCH` if one has fewer partitions than required, or fewer replicas than the policy requires;
   * `UNKNOWN_TOPIC`, retryable, if one is missing and the policy is `check`
   */
  ensureTopics(topics: readonly TopicSettings[]): Promise<void>;
  /** First offset and offset after the last one, by partition. Offsets of transaction markers count. */
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
  /** Offset of the first record with this timestamp (milliseconds) or a later one, or the end if there is none, by partition. */
  offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>>;
  /** The committed offsets of a consumer group in a topic, by partition; partitions without one are left out. */
  committed(groupId: string, topic: string): Promise<Map<number, bigint>>;
  /** The effective configs of a topic, by Kafka's names. */
  configs(topic: string): Promise<ReadonlyMap<string, string>>;
  /** Whether a broker responds. */
  ping(): Promise<boolean>;
}
