import type { Logger } from 'pino';
import type { LogConnection } from './connection.js';

/** A topic as it should be. `configs` has Kafka's own names. */
export interface TopicSettings {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface AdminOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
}

/** Asks about topics and makes them. */
export interface Admin extends AsyncDisposable {
  /**
   * Makes the topics that are missing, whoever else does the same at the same time.
   *
   * @throws LogError `TOPIC_MISMATCH` where one exists with fewer partitions than it should have
   */
  ensureTopics(topics: readonly TopicSettings[]): Promise<void>;
  /** First offset and offset after the last, by partition. */
  offsets(topic: string): Promise<Map<number, { earliest: bigint; latest: bigint }>>;
  /** Offset of the first record with this timestamp (milliseconds) or a later one, else the end, by partition. */
  offsetsAt(topic: string, timestampMs: number): Promise<Map<number, bigint>>;
  /** Whether a broker answers. */
  ping(): Promise<boolean>;
}
