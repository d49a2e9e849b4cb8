/** What the accumulator must know of a record; whatever else it carries comes back untouched. */
export interface Accumulated {
  /** Bytes of key and value. */
  readonly sizeBytes: number;
  /** Whether its fate is already known, so that it need not be sent. */
  readonly settled: boolean;
}

/** Records of one partition, in the order they were added, that travel and succeed or fail together. */
export interface PartitionBatch<T> {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly T[];
}

export interface AccumulatorLimits {
  /** Most bytes of keys and values in one batch; a single larger record makes a batch of its own. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Most bytes taken at once, over all partitions. */
  readonly requestBytes: number;
}

interface PartitionQueue<T> {
  readonly topic: string;
  readonly partition: number;
  records: T[];
  sizeBytes: number;
}

/**
 * Records that wait to be sent, by partition. Pure: it has no clock, no timer and no I/O.
 *
 * Within a partition the order of `add` is the order of `take`; among partitions, those that waited longest come first.
 */
export class Accumulator<T extends Accumulated> {
  private readonly queues = new Map<string, PartitionQueue<T>>();

  constructor(private readonly limits: AccumulatorLimits) {}

  get isEmpty(): boolean {
    return this.queues.size === 0;
  }

  /** Returns whether the partition now has a full batch, so that waiting longer gains nothing. */
  add(topic: string, partition: number, record: T): boolean {
    const id = `${partition}/${topic}`;
    let queue = this.queues.get(id);
    if (!queue) {
      queue = { topic, partition, records: [], sizeBytes: 0 };
      this.queues.set(id, queue);
    }
    queue.records.push(record);
    queue.sizeBytes += record.sizeBytes;
    return queue.sizeBytes >= this.limits.batchBytes || queue.records.length >= this.limits.batchRecords;
  }

  /** Takes at most one batch of each partition, and no more than a request may carry. */
  take(): PartitionBatch<T>[] {
    const batches: PartitionBatch<T>[] = [];
    let requestBytes = 0;
    // Of a copy: what is set again below would come round again.
    for (const [id, queue] of [...this.queues]) {
      if (requestBytes >= this.limits.requestBytes) break;
      const { records, sizeBytes } = this.takeBatch(queue);
      // Set again, a partition that has more goes behind those that have not had their turn.
      this.queues.delete(id);
      if (queue.records.length > 0) this.queues.set(id, queue);
      requestBytes += sizeBytes;
      if (records.length > 0) batches.push({ topic: queue.topic, partition: queue.partition, records });
    }
    return batches;
  }

  /** Lets go of records whose fate is known without having been sent. */
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
