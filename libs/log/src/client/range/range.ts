import type { Logger } from 'pino';
import type { OffsetsOptions } from '../admin/admin.js';
import type { ConsumerGap, RecordBatch } from '../consumer/consumer.js';
import type { UndecodableBatch } from '../record/record.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { LogConnection } from '../core/connection.js';

/** A place in a partition: the first record with this timestamp (milliseconds) or a later one; the end if there is none. */
interface AtTimestamp {
  readonly timestampMs: number;
}

/** Offsets of one partition, or of every partition that a topic has when reading starts. */
export interface LogRange {
  readonly topic: string;
  /** @default every partition of the topic */
  readonly partition?: number;
  /** Reads only the topic that has this id, as `Admin.identities` returns it. @default the topic that has the name now */
  readonly topicId?: string;
  /** The first offset that is read. `latest` as in {@link to}. */
  readonly from: bigint | 'earliest' | 'latest' | AtTimestamp;
  /**
   * The offset before which reading ends. `latest` is the end of the partition when reading starts: the last stable
   * offset with `read_committed`, otherwise the high watermark.
   */
  readonly to: bigint | 'latest' | AtTimestamp;
}

export interface RangeReaderOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Maximum time that a partition may fail, or return nothing, before its read fails. @default 30_000 */
  readonly stallTimeoutMs?: number;
}

export interface RangeRequest {
  readonly ranges: readonly LogRange[];
  /** @default read_committed */
  readonly isolation?: NonNullable<OffsetsOptions['isolation']>;
  /** Reading rejects with the signal's reason once it is aborted. */
  readonly signal?: AbortSignal;
  /** Maximum number of records in one batch. @default 1_000 */
  readonly maxBatchRecords?: number;
  /** Maximum number of bytes fetched from one partition at once; a larger batch is fetched nevertheless. @default 1 MiB */
  readonly maxPartitionBytes?: number;
  /** Maximum number of bytes of all partitions that are fetched ahead of the iteration. @default 16 MiB */
  readonly maxBufferedBytes?: number;
  /**
   * Called for offsets that cannot be read, because retention or DeleteRecords removed them (`log-start`) or the broker
   * left them out (`unexplained`); reading continues at `found`. Without it, reading fails with `OFFSETS_MISSING`.
   */
  readonly onGap?: (gap: ConsumerGap) => void | Promise<void>;
  /** Called for a batch that cannot be decoded; reading continues after it. Without it, reading fails with `UNDECODABLE`. */
  readonly onUndecodable?: (batch: UndecodableBatch) => void | Promise<void>;
}

/** What is read of one partition: offsets `from` up to, but not including, `to`. */
export interface ResolvedRange extends TopicPartition {
  /** Base64url; `undefined` if the cluster has no topic ids (Kafka before 2.8). */
  readonly topicId: string | undefined;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Offsets `from` up to, but not including, `nextOffset` of one partition. `records` is empty if they have no record for
 * this reader: control records, aborted transactions, compacted records.
 */
export interface RangeBatch extends RecordBatch {
  readonly from: bigint;
}

/** In offsets, over all ranges. */
export interface RangeProgress {
  readonly done: bigint;
  readonly total: bigint;
}

/**
 * Batches of several partitions, those of one partition in order and without a gap between them; the last one ends at
 * the range's `to`. It can be iterated once. The buffers of records remain valid, but each keeps everything that was
 * fetched with it in memory.
 *
 * Iterating throws LogError `OFFSETS_MISSING` and `UNDECODABLE` if there is no callback for it; `LOG_TRUNCATED` if the
 * partition ends before the position or before an explicit `to`; `TOPIC_RECREATED`; `UNKNOWN_TOPIC` if the topic was
 * deleted; `REFUSED`; `CLOSED`; after `stallTimeoutMs` the last retryable error, or `TIMED_OUT` if an open transaction
 * holds back the end of a range.
 */
export interface RangeRead extends AsyncIterable<RangeBatch> {
  readonly ranges: readonly ResolvedRange[];
  /** Moves with each batch that was returned. */
  readonly progress: RangeProgress;
}

/** Reads ranges of partitions without a consumer group. Concurrent reads share one connection per broker. */
export interface RangeReader extends AsyncDisposable {
  /**
   * Looks up where the ranges start and end. Nothing is fetched before the result is iterated.
   *
   * @throws LogError `TOPIC_RECREATED` if the topic does not have the id that the range names; `UNKNOWN_TOPIC` if it
   * does not exist; `REFUSED` for a range that ends before it starts, an unknown partition, or a lack of permission;
   * retryable after `stallTimeoutMs` without an answer; the signal's reason if it was aborted
   */
  readRange(request: RangeRequest): Promise<RangeRead>;
}
