import type { ConsumerGap, TopicPartition } from '@hailstream/log';

/** Records of a batch or block by result. */
export interface DeliveryCounts {
  /** The sum of the other counts. */
  readonly records: number;
  readonly delivered: number;
  /** Not selected by the filter, or not sent because the sink has the event from another record. */
  readonly filtered: number;
  /** A batch that cannot be decoded counts as one record. */
  readonly deadLettered: number;
}

/** Receives the results of deliveries. */
export interface DeliveryObserver {
  delivered(partition: TopicPartition, counts: DeliveryCounts): void;
  /** A delivery failed and will be repeated. */
  failed(partition: TopicPartition, error: Error): void;
  /** The first delivery after a failure succeeded. */
  recovered(partition: TopicPartition): void;
  /** Records were lost: the log had deleted them before they were delivered. */
  gap(gap: ConsumerGap): void;
}

/** Delivers the topics of a job to its sink. */
export interface Delivery extends AsyncDisposable {
  /** Joins the job's consumer group. @throws LogError retryable if that takes too long */
  start(): Promise<void>;
  /** Rejects if the consumer has stopped because no retry can succeed. Create a new delivery in that case. */
  readonly ended: Promise<void>;
  pause(): void;
  resume(): void;
  /** Records that are not delivered yet, in the partitions that are assigned to this process. */
  lagRecords(): bigint;
  readonly assignedPartitions: number;
}
