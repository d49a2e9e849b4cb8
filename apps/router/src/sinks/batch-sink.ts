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

/** Records of one partition, in the order of the log, at least one. */
export interface RoutedBatch extends TopicPartition {
  readonly records: readonly RoutedRecord[];
}

/** A sink that is sent one batch of a partition after the other, partitions concurrently. */
export interface BatchSink extends AsyncDisposable {
  /** @throws SinkError if the sink cannot be reached or is not set up */
  check(): Promise<void>;
  /**
   * Delivers a batch and returns the records that the sink refuses, in any order. A batch may be delivered again.
   *
   * @throws SinkError if some records are not delivered, or the signal is aborted: the batch is then delivered again
   */
  deliver(batch: RoutedBatch, signal: AbortSignal): Promise<readonly RefusedRecord[]>;
}
