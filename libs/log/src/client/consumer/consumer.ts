import type { Logger } from 'pino';
import type { LogRecord, UndecodableBatch } from '../record/record.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { LogConnection } from '../core/connection.js';

/** Records of one partition, in the order of the log, at least one. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** Offset after the last record of this batch, where reading continues. Greater than last + 1 if the log has gaps. */
  readonly nextOffset: bigint;
  /** Offset after the newest record that could be read when this batch was fetched: the last stable offset. */
  readonly highWatermark: bigint;
}

export interface BatchContext {
  /** Aborted when the partition is revoked or the consumer closes: stop early, the rest of the batch is redelivered. */
  readonly signal: AbortSignal;
  /** Sends a heartbeat if one is due. A timer does so as well; only a handler that blocks the event loop needs to call it. */
  heartbeat(): Promise<void>;
  /** Writes one record of the batch, which cannot be handled, to the dead-letter topic (or calls `onRejected`). */
  deadLetter(record: LogRecord, reason: Error): Promise<void>;
}

/**
 * Handles one batch. When it returns, the batch is done.
 *
 * If it throws, the batch is redelivered after a backoff, up to `maxAttempts` times in all. Then its records are passed one by
 * one, and those that still fail are written to the dead-letter topic. An error with `retryable: true` says that another
 * system is unavailable and that the records may be fine: the batch is redelivered until it succeeds, without a limit. An
 * error after `signal` is aborted says that the handler stopped early.
 *
 * Other partitions continue meanwhile. A redelivered batch may have more records than before.
 */
export type BatchHandler = (batch: RecordBatch, context: BatchContext) => Promise<void>;

/** Where reading starts, and where positions are stored. */
export type OffsetPolicy =
  /**
   * The consumer group. A new group starts at `startAt`. With `commit: 'manual'` the position is committed only by
   * {@link BatchConsumer.commit}, and reading continues there after a rebalance or a failure.
   */
  | {
      readonly kind: 'committed';
      readonly startAt: 'earliest' | 'latest';
      /** @default after-handler */
      readonly commit?: 'after-handler' | 'manual';
    }
  /**
   * The handler: `position` is called on each assignment, and nothing is committed. `undefined` means the earliest record. A
   * position that the log does not have is reported through `onGap` and replaced by the earliest.
   */
  | {
      readonly kind: 'handler-owned';
      position(topic: string, partition: number): Promise<bigint | undefined>;
    }
  /**
   * Nobody: the consumer reads every partition itself, from the first record with this timestamp (milliseconds) or a later
   * one. `groupId` is a prefix; each session appends a unique suffix.
   */
  | {
      readonly kind: 'everything-since';
      readonly timestampMs: number;
      /** Where to continue in a partition that was already read, by a range reader for example. */
      position?(topic: string, partition: number): bigint | undefined;
    };

/** The position of a partition after offsets without records for the handler. */
export interface ConsumerPosition extends TopicPartition {
  readonly nextOffset: bigint;
}

/** Lag of one partition, as of its last fetch or the last refresh. */
export interface PartitionLag extends TopicPartition {
  /** Offset of the next record to be handled. */
  readonly position: bigint;
  /** Offset after the newest record that can be read: the last stable offset. */
  readonly highWatermark: bigint;
  /** `highWatermark` - `position`; never negative. Offsets without a record count. */
  readonly records: bigint;
}

/** A record that the handler could not handle. */
export interface RejectedRecord extends TopicPartition {
  /** Borrowed: valid during the call. */
  readonly record: LogRecord;
  readonly reason: Error;
  /** How often the record was passed to the handler. */
  readonly attempts: number;
}

/** Offsets that the consumer expected and will not read. */
export interface ConsumerGap extends TopicPartition {
  readonly expected: bigint;
  /** Where reading continues. Below `expected` only with `log-end`. */
  readonly found: bigint;
  /**
   * `log-start`: retention or DeleteRecords removed records before they were read. `log-end`: the log ends before the
   * position, because it lost records or is another log; with committed positions also: the topic was deleted and created
   * again, whatever its length. `unexplained`: the broker left out offsets of a topic that is not compacted.
   */
  readonly cause: 'log-start' | 'log-end' | 'unexplained';
}

/** Runs a limited number of tasks at the same time; the others wait. */
export interface ConcurrencyLimit {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export interface ConsumerOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly offsets: OffsetPolicy;
  readonly handler: BatchHandler;
  /**
   * Called, in order with the handler, when the position moves past offsets without records for the handler: transaction
   * markers, records of aborted transactions, compacted records, gaps. A call that fails is retried as a batch is.
   */
  readonly onPosition?: (position: ConsumerPosition) => void | Promise<void>;
  /** Called before reading continues after a gap. Every gap is also logged as an error. */
  readonly onGap?: (gap: ConsumerGap) => void | Promise<void>;
  /**
   * Stores a batch that cannot be decoded; reading continues after the batch once it returns. Without it the batch is written
   * to the dead-letter topic; without that, the consumer ends with `CONSUMER_CRASHED`. `signal` is aborted when the partition is
   * revoked or the consumer closes.
   */
  readonly onUndecodable?: (batch: UndecodableBatch, signal: AbortSignal) => Promise<void>;
  /**
   * Topic for records that cannot be handled; see `DeadLetterQueue` for what is written. Without it and `onRejected` such a
   * record ends the consumer with `CONSUMER_CRASHED`.
   */
  readonly deadLetterTopic?: string;
  /**
   * Called for each record that cannot be handled, instead of writing it to a dead-letter topic. For processes that all read
   * the whole log, of which each would write the same record again. The consumer logs a warning, at most one every 10 s, and
   * continues after the record.
   *
   * @throws LogError `REFUSED` by `createBatchConsumer` if `deadLetterTopic` is set as well
   */
  readonly onRejected?: (rejected: RejectedRecord) => void;
  /** How often a batch is passed to the handler before its records are passed one by one. @default 5 */
  readonly maxAttempts?: number;
  /** Backoff before the first retry of a batch; doubled each time, up to 30 s. @default 100 */
  readonly retryBackoffMs?: number;
  /** Maximum number of records passed to the handler at once. @default 1_000 */
  readonly maxBatchRecords?: number;
  /**
   * Limits how many partitions are decoded and handled at the same time. Consumers can share it.
   * @default all that were fetched
   */
  readonly limit?: ConcurrencyLimit;
  /** Maximum number of bytes fetched from one partition at once. @default 1 MiB */
  readonly maxPartitionBytes?: number;
  /** Maximum time that a fetch waits for records. @default 250 */
  readonly maxWaitMs?: number;
  /** How long the group coordinator waits for a heartbeat before it removes this member. @default 30_000 */
  readonly sessionTimeoutMs?: number;
  /** Maximum time that `start` waits for an assignment. @default 30_000 */
  readonly startTimeoutMs?: number;
}

/** Reads topics in batches of one partition; partitions concurrently, each in order. */
export interface BatchConsumer extends AsyncDisposable {
  /**
   * Joins the group and starts to read. Resolves once partitions are assigned (possibly none) and their positions are known.
   *
   * @throws LogError retryable, after `startTimeoutMs` without an assignment: `start` may be called again. `REFUSED` at once
   * if the broker refuses the client or the group
   */
  start(): Promise<void>;
  /**
   * Whether it is reading: false from a failure until it has joined the group again, which it does by itself, and a broker has
   * returned what follows its positions.
   */
  readonly healthy: boolean;
  /**
   * Resolves after disposal; rejects with `CONSUMER_CRASHED` if the consumer has stopped because no retry can succeed. The
   * process should then exit.
   */
  readonly ended: Promise<void>;
  /** The assigned partitions. */
  assignment(): TopicPartition[];
  /** Calls `listener` after each rebalance with the assigned partitions. */
  onAssignment(listener: (assigned: TopicPartition[]) => void): void;
  /** Calls `listener` after each rebalance, once it is known where reading of the assigned partitions starts. */
  onPositioned(listener: (positions: ConsumerPosition[]) => void): void;
  /**
   * Commits the position of an assigned partition, whatever the handler has done: for applications that store the records
   * themselves, at their own pace. Requires `offsets` of kind `committed` with `commit: 'manual'`.
   *
   * @throws LogError retryable if the partition is not assigned to this consumer, or the group is rebalancing: the position
   * is not committed, and the member that is assigned the partition next starts at the last one that is
   */
  commit(position: ConsumerPosition): Promise<void>;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /**
   * Lag of each assigned partition whose position is known. Taken from the fetch responses; the consumer refreshes the ends
   * of all partitions every 5 s, also of those that are paused or being handled.
   */
  lag(): PartitionLag[];
  /** The sum of {@link lag} over all partitions. */
  lagRecords(): bigint;
  /** Waits up to 30 s for the batches that are being handled, commits their offsets and leaves the group. */
  [Symbol.asyncDispose](): Promise<void>;
}
