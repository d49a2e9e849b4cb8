import {
  headersOf,
  type Producer,
  type RangeBatch,
  type RangeReader,
  type TopicPartition,
} from '@hailstream/log';

type CopyErrorCode = 'PARTITIONS_DIFFER' | 'NOT_A_COPY' | 'OFFSETS_NOT_KEPT' | 'TARGET_CHANGED';

/** A topic cannot be copied with the same partitions, order and distances between offsets. */
export class CopyError extends Error {
  override readonly name = 'CopyError';

  constructor(
    readonly code: CopyErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * A copied partition: the records from `source.from` to `source.to` (exclusive) have the offsets from `target.from` to
 * `target.to` (exclusive). Later offsets of the source are control records and records of aborted transactions.
 */
export interface CopiedPartition extends TopicPartition {
  readonly source: { readonly from: bigint; readonly to: bigint };
  readonly target: { readonly from: bigint; readonly to: bigint };
}

interface PartitionCopyOptions extends TopicPartition {
  readonly topicId: string | undefined;
  /** Offsets of the source; `to` is exclusive. */
  readonly source: { readonly from: bigint; readonly to: bigint };
  /** First offset of the target. */
  readonly targetFrom: bigint;
  /** Number of records that the target already has. */
  readonly copied: bigint;
}

interface PartitionCopyClients {
  readonly reader: RangeReader;
  readonly producer: Pick<Producer, 'send'>;
  readonly signal: AbortSignal;
}

/** Copies one partition, and tracks its progress. */
export class PartitionCopy implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Offset in the source after the last record that the target has. */
  private next: bigint;
  private end: bigint;

  constructor(private readonly options: PartitionCopyOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.next = options.source.from + options.copied;
    this.end = options.source.to;
  }

  /** Number of offsets that remain to be copied. */
  get left(): number {
    return Number(this.end - this.next);
  }

  get total(): number {
    const { from, to } = this.options.source;
    return Number(to - from);
  }

  /** End of the target once all records before `next` are copied. */
  get targetTo(): bigint {
    const { source, targetFrom } = this.options;
    return targetFrom + this.next - source.from;
  }

  /** Offsets of the last copied record; `undefined` if no record was copied. */
  get lastCopied(): { readonly source: bigint; readonly target: bigint } | undefined {
    if (this.next === this.options.source.from) return undefined;
    return { source: this.next - 1n, target: this.targetTo - 1n };
  }

  get result(): CopiedPartition {
    const { topic, partition, source, targetFrom } = this.options;
    return {
      topic,
      partition,
      source: { from: source.from, to: this.next },
      target: { from: targetFrom, to: this.targetTo },
    };
  }

  /**
   * Copies the remaining records.
   *
   * @throws CopyError `OFFSETS_NOT_KEPT` if an offset before another record has no record; `TARGET_CHANGED` if another
   * client writes to the target; LogError as `readRange` and the producer do; the signal's reason
   */
  async run({ reader, producer, signal }: PartitionCopyClients, onProgress: () => void): Promise<void> {
    const { topic, partition, topicId } = this.options;
    const range = {
      topic,
      partition,
      from: this.next,
      to: this.end,
      ...(topicId === undefined ? {} : { topicId }),
    };
    for await (const batch of await reader.readRange({ ranges: [range], signal })) {
      await this.append(batch, producer);
      onProgress();
    }
    this.end = this.next;
    onProgress();
  }

  private async append({ records }: RangeBatch, producer: PartitionCopyClients['producer']): Promise<void> {
    const { topic, partition } = this;
    records.forEach(({ offset }, index) => {
      const expected = this.next + BigInt(index);
      if (offset === expected) return;
      const message = `partition ${partition} of topic "${topic}" has no record at offset ${expected}: offsets cannot be kept`;
      throw new CopyError('OFFSETS_NOT_KEPT', message);
    });
    const results = await producer.send(
      records.map((record) => ({
        topic,
        partition,
        key: record.key,
        value: record.value,
        headers: headersOf(record),
        timestampMs: record.timestampMs,
      })),
    );
    for (const result of results) {
      if (result.kind === 'failed') throw result.error;
      if (result.offset !== this.targetTo) {
        const message = `another client writes to partition ${partition} of topic "${topic}" in the target log`;
        throw new CopyError('TARGET_CHANGED', message);
      }
      this.next += 1n;
    }
  }
}
