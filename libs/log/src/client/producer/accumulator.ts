import { partitionName } from '../../protocol/topic-partition.js';

/** What the accumulator needs to know of a record. */
interface Accumulated {
  /** Bytes of key and value. */
  readonly sizeBytes: number;
  /** Whether it has a delivery result already and must not be sent. */
  readonly settled: boolean;
}

/** Records of one partition in the order they were added, which are appended together or not at all. */
export interface PartitionBatch<T> {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly T[];
}

export interface AccumulatorLimits {
  /** Maximum number of bytes of one batch. A single record that is larger is a batch on its own. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Maximum number of bytes taken at once over all partitions. */
  readonly requestBytes: number;
}

interface PartitionQueue<T> {
  readonly topic: string;
  readonly partition: number;
  records: T[];
  sizeBytes: number;
}

/**
 * Records that wait to be sent, by partition. Pure.
 *
 * Within a partition the order of `add` is the order of `take`; partitions that wait longest are taken first.
 */
export class Accumulator<T extends Accumulated> {
  private queues = new Map<string, PartitionQueue<T>>();

  constructor(private readonly limits: AccumulatorLimits) {}

  get isEmpty(): boolean {
    return this.queues.size === 0;
  }

  /** Returns whether the partition has a full batch, so that waiting longer gains nothing. */
  add(topic: string, partition: number, record: T): boolean {
    const id = partitionName(topic, partition);
    let queue = this.queues.get(id);
    if (!queue) {
      queue = { topic, partition, records: [], sizeBytes: 0 };
      this.queues.set(id, queue);
    }
    queue.records.push(record);
    queue.sizeBytes += record.sizeBytes;
    return queue.sizeBytes >= this.limits.batchBytes || queue.records.length >= this.limits.batchRecords;
  }

  /** Removes and returns at most one batch of each partition, within the limits of a request. */
  take(): PartitionBatch<T>[] {
    const batches: PartitionBatch<T>[] = [];
    let requestBytes = 0;
    // Iterates a copy, because queues that are set again below would be visited again.
    for (const [id, queue] of [...this.queues]) {
      if (requestBytes >= this.limits.requestBytes) break;
      const { records, sizeBytes } = this.takeBatch(queue);
      // A partition with more records goes behind those that were not taken yet.
      this.queues.delete(id);
      if (queue.records.length > 0) this.queues.set(id, queue);
      requestBytes += sizeBytes;
      if (records.length > 0) batches.push({ topic: queue.topic, partition: queue.partition, records });
    }
    // A map that is emptied again and again would keep its former contents until a major garbage collection: each table of it
    // refers to the next one, also after it was replaced.
    if (this.isEmpty) this.queues = new Map();
    return batches;
  }

  /** Removes records that failed before they were sent. */
  dropSettled(): void {
    for (const [id, queue] of this.queues) {
      queue.records = queue.records.filter(({ settled }) => !settled);
      queue.sizeBytes = queue.records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (queue.records.length === 0) this.queues.delete(id);
    }
  }

  private takeBatch(queue: PartitionQueue<T>): { records: T[]; sizeBytes: number } {
    const records: T[] = [];
    let sizeBytes = 0;
    let passed = 0;
    for (const record of queue.records) {
      if (!record.settled) {
        const full =
          records.length >= this.limits.batchRecords || sizeBytes + record.sizeBytes > this.limits.batchBytes;
        if (full && records.length > 0) break;
        records.push(record);
        sizeBytes += record.sizeBytes;
      }
      queue.sizeBytes -= record.sizeBytes;
      passed += 1;
    }
    queue.records = passed === queue.records.length ? [] : queue.records.slice(passed);
    return { records, sizeBytes };
  }
}
