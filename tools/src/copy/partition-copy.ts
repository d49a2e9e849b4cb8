import {
  headersOf,
  type Producer,
  type RangeBatch,
  type RangeReader,
  type TopicPartition,
} from '@hailstream/log';

type CopyErrorCode = 'PARTITIONS_DIFFER' | 'NOT_A_COPY' | 'OFFSETS_NOT_KEPT' | 'TARGET_CHANGED';

/** A topic that cannot be copied with the same partitions, order and distances between offsets. */
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
 * One partition that was copied: records `source.from` up to, but not including, `source.to` are `target.from` up to, but
 * not including, `target.to`. The offsets of the source that follow have no records: they are control records, and
 * records of aborted transactions.
 */
export interface CopiedPartition extends TopicPartition {
  readonly source: { readonly from: bigint; readonly to: bigint };
  readonly target: { readonly from: bigint; readonly to: bigint };
}

interface PartitionCopyOptions extends TopicPartition {
  readonly topicId: string | undefined;
  /** What the source has. */
  readonly source: { readonly from: bigint; readonly to: bigint };
  /** Where the target starts. */
  readonly targetFrom: bigint;
  /** Records that the target has already. */
  readonly copied: bigint;
}

interface PartitionCopyClients {
  readonly reader: RangeReader;
  readonly producer: Pick<Producer, 'send'>;
  readonly signal: AbortSignal;
}

/** The copy of one partition, and how far it has come. */
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

  /** In offsets. */
  get left(): number {
    return Number(this.end - this.next);
  }

  get total(): number {
    const { from, to } = this.options.source;
    return Number(to - from);
  }

  /** Where the target ends once it has everything up to `next`. */
  get targetTo(): bigint {
    const { source, targetFrom } = this.options;
    return targetFrom + this.next - source.from;
  }

  /** Offsets of the last record that was copied before; `undefined` if there is none. */
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
   * Copies what is left.
   *
   * @throws CopyError `OFFSETS_NOT_KEPT` if an offset has no record, and a later one has; `TARGET_CHANGED` if the target
   * is written to by another client; LogError as `readRange` and the producer do; the signal's reason
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
