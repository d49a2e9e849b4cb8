import type { Logger } from 'pino';
import type { LogRecord, UndecodableBatch } from '../record/record.js';
import type { TopicPartition } from '../record/topic-partition.js';
import type { LogConnection } from '../shared/connection.js';

/** Records of one partition, in the order of the log, at least one. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** Offset after the last record here: where reading goes on. Greater than last + 1 where the log has gaps. */
  readonly nextOffset: bigint;
  /** Offset after the newest record that can be read, when this batch was fetched. */
  readonly highWatermark: bigint;
}

export interface BatchContext {
  /** Aborted when the partition is taken away or the consumer closes: stop early, what is left comes again. */
  readonly signal: AbortSignal;
  /** Tells the group that this consumer lives. Called by itself between batches and on a timer; call it in long loops if they block. */
  heartbeat(): Promise<void>;
  /** Puts one record of the batch, which can't be handled, on the dead-letter topic with the reason, and goes on. */
  deadLetter(record: LogRecord, reason: Error): Promise<void>;
}

/**
 * Handles one batch. Once it returns, the batch is done with.
 *
 * Where it throws, the batch comes again after a backoff, `maxAttempts` times in all; then its records are tried one by
 * one, and those that still fail go to the dead-letter topic. An error with `retryable: true` says that something else
 * is down, and nothing about the records: the batch comes again until it succeeds, however long that takes. An error
 * after `signal` aborted says that the handler stopped early.
 *
 * The other partitions go on meanwhile. A batch that comes again may have more records than it had.
 */
export type BatchHandler = (batch: RecordBatch, context: BatchContext) => Promise<void>;

/** Where reading starts, and who remembers how far it got. */
export type OffsetPolicy =
  /** The group remembers: committed after the handler returns. A new group starts at `startAt`. */
  | { readonly kind: 'committed'; readonly startAt: 'earliest' | 'latest' }
  /**
   * The handler remembers: asked for on each assignment, nothing is committed. `undefined` means the earliest. A
   * position that the log no longer has moves to the earliest, with a warning.
   */
  | {
      readonly kind: 'handler-owned';
      position(topic: string, partition: number): Promise<bigint | undefined>;
    }
  /**
   * Nobody remembers: this consumer reads every partition itself, from the first record with this timestamp
   * (milliseconds) or a later one. `groupId` is used as a prefix, made unique anew whenever
   * it joins.
   */
  | { readonly kind: 'everything-since'; readonly timestampMs: number };

/** How far reading one partition has got, where nothing was handed to the handler. */
export interface ConsumerPosition extends TopicPartition {
  readonly nextOffset: bigint;
}

/** Offsets that a reader asked for and will never get. */
export interface ConsumerGap extends TopicPartition {
  readonly expected: bigint;
  /** Where reading goes on. Below `expected` only with `log-end`. */
  readonly found: bigint;
  /**
   * `log-start`: retention or DeleteRecords removed what was not read yet. `log-end`: the log ends before the position,
   * because it lost its end or is another log; for a group's member also: its topic was deleted and created again, however
   * long it is. `unexplained`: the broker left out offsets of a topic that is not
   * compacted.
   */
  readonly cause: 'log-start' | 'log-end' | 'unexplained';
}

export interface ConsumerOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly offsets: OffsetPolicy;
  readonly handler: BatchHandler;
  /**
   * Called, in order with the handler, when the position passes offsets of which the handler gets nothing: markers and
   * records of aborted transactions, compacted records, gaps. A call that fails is repeated as a batch is.
   */
  readonly onPosition?: (position: ConsumerPosition) => void | Promise<void>;
  /** Called before reading goes on behind a gap. Every gap is logged as an error as well. */
  readonly onGap?: (gap: ConsumerGap) => void | Promise<void>;
  /**
   * Puts an undecodable batch aside; reading goes on behind it once it returns. Without it, the batch goes to the
   * dead-letter topic; without that, the consumer ends with `CONSUMER_CRASHED`.
   */
  readonly onUndecodable?: (batch: UndecodableBatch) => Promise<void>;
  /** Without one, a batch that fails `maxAttempts` times ends the consumer with `CONSUMER_CRASHED`. */
  readonly deadLetterTopic?: string;
  /** @default 5 */
  readonly maxAttempts?: number;
  /** First wait before a batch is tried again; doubled each time, at most 30 s. @default 100 */
  readonly retryBackoffMs?: number;
  /** Most records handed over at once. @default 1_000 */
  readonly maxBatchRecords?: number;
  /** Most bytes fetched from one partition at once. @default 1 MiB */
  readonly maxPartitionBytes?: number;
  /** Longest a fetch waits for records. @default 250 */
  readonly maxWaitMs?: number;
  /** Longest that the group waits for a sign of life before it gives the partitions to others. @default 30_000 */
  readonly sessionTimeoutMs?: number;
  /** Longest that `start` waits for partitions. @default 30_000 */
  readonly startTimeoutMs?: number;
}

/** Reads topics in batches of one partition each; partitions side by side, each in order. */
export interface BatchConsumer extends AsyncDisposable {
  /**
   * Joins the group and reads. Resolves once partitions were assigned (perhaps none) and their positions are known.
   *
   * @throws LogError after `startTimeoutMs` without, retryable: the same consumer may be started again. `REFUSED` at once where the
   * broker refuses the client or the group
   */
  start(): Promise<void>;
  /** Whether it is reading now: false from a breakdown until it has joined the group again by itself. */
  readonly healthy: boolean;
  /**
   * Settles when the consumer has ended: resolves after disposal; rejects with `CONSUMER_CRASHED` where it stopped for
   * good by itself. The process should die of that.
   */
  readonly ended: Promise<void>;
  /** Partitions assigned now. */
  assignment(): TopicPartition[];
  /** Called on each assignment, with what is assigned from then on. */
  onAssignment(listener: (assigned: TopicPartition[]) => void): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Records between what was handled and the end of the assigned partitions, as seen within the last seconds. */
  lagRecords(): bigint;
  /** Drains: the batch in hand is finished, its offset committed, the group left. At most 30 s. */
  [Symbol.asyncDispose](): Promise<void>;
}
