import type { LogRecord, TopicPartition } from '@hailstream/log';
import type { Event } from '../router-file/filter.js';

/** A record to deliver, and its value as an event. */
export interface RoutedRecord {
  readonly record: LogRecord;
  readonly event: Event;
}

/** A record that will never be delivered. */
export interface RefusedRecord {
  readonly record: LogRecord;
  readonly reason: Error;
}

/** The result of a batch: all other records are delivered. */
export interface BatchResult {
  /** In any order. */
  readonly refused: readonly RefusedRecord[];
  /** Records that were not stored, because the sink has their event from an earlier record. @default 0 */
  readonly repeated?: number;
}

/** Records of one partition, in the order of the log, at least one. */
export interface RoutedBatch extends TopicPartition {
  readonly records: readonly RoutedRecord[];
}

/** A sink that is sent one batch of a partition after the other, partitions concurrently. */
export interface BatchSink extends AsyncDisposable {
  /** @throws SinkError if the sink cannot be reached or is not set up */
  check(): Promise<void>;
  /**
   * Delivers a batch. The same batch may be delivered again.
   *
   * @throws SinkError if some records are not delivered, or the signal is aborted: the batch is then delivered again
   */
  deliver(batch: RoutedBatch, signal: AbortSignal): Promise<BatchResult>;
  /**
   * Removes what the sink has of all erased riders and devices. @default erasures are delivered like events
   *
   * @throws SinkError if something may remain: it is then called again
   */
  erase?(signal: AbortSignal): Promise<void>;
  /** Called after a rebalance: another process may have written events of erased ids meanwhile. */
  assigned?(): void;
}
