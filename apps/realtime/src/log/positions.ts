import { partitionName, type PartitionLag, type ResolvedRange } from '@hailstream/log';

/** The next offset to fold of each partition, and the ranges that a rebuild has to read before the city is complete. */
export class LogPositions {
  private readonly next = new Map<string, bigint>();
  /** Ranges that are not read to their end. */
  private readonly unread = new Map<string, ResolvedRange>();
  private total = 0n;
  /** By topic and partition, for {@link ofTopic}. */
  private readonly partitions = new Map<string, Map<number, bigint>>();
  private passed = 0n;
  private isBegun = false;
  private generation = 0;

  /** Replaces everything by the ranges of a rebuild. */
  begin(ranges: readonly ResolvedRange[]): void {
    this.clear();
    for (const range of ranges) {
      const name = partitionName(range.topic, range.partition);
      this.set(range.topic, range.partition, range.from);
      if (range.to > range.from) this.unread.set(name, range);
      this.total += range.to - range.from;
    }
    this.isBegun = true;
  }

  /** Forgets everything: the positions belong to another log. */
  clear(): void {
    this.next.clear();
    this.partitions.clear();
    this.passed = 0n;
    this.unread.clear();
    this.total = 0n;
    this.isBegun = false;
    this.generation += 1;
  }

  /** Changes whenever the positions become those of another log: offsets of before mean other records then. */
  get log(): number {
    return this.generation;
  }

  /** Whether a record was not folded yet: batches may be delivered more than once. */
  isNew(topic: string, partition: number, offset: bigint): boolean {
    return offset >= (this.next.get(partitionName(topic, partition)) ?? 0n);
  }

  /** Notes that all records before `next` are folded. */
  advance(topic: string, partition: number, next: bigint): void {
    const name = partitionName(topic, partition);
    const before = this.next.get(name);
    if (next <= (before ?? -1n)) return;
    this.passed += next - (before ?? 0n);
    this.set(topic, partition, next);
    const range = this.unread.get(name);
    if (range !== undefined && next >= range.to) this.unread.delete(name);
  }

  /** The next offset to fold; `undefined` if the partition is not known. */
  nextOffset(topic: string, partition: number): bigint | undefined {
    return this.next.get(partitionName(topic, partition));
  }

  /** The next offset to fold of each partition of a topic. */
  ofTopic(topic: string): ReadonlyMap<number, bigint> {
    return this.partitions.get(topic) ?? new Map();
  }

  /** How many offsets of all partitions were passed since {@link begin}. */
  get recordsPassed(): bigint {
    return this.passed;
  }

  /** What is left to read of the ranges. */
  remaining(): ResolvedRange[] {
    return [...this.unread].map(([name, range]) => ({ ...range, from: this.next.get(name) ?? range.from }));
  }

  /** The lag towards the end of the ranges, in the form of a consumer's. */
  lag(): PartitionLag[] {
    return this.remaining().map(({ topic, partition, from, to }) => ({
      topic,
      partition,
      position: from,
      highWatermark: to,
      records: to - from,
    }));
  }

  /** Whether the ranges to read are known. */
  get hasRanges(): boolean {
    return this.isBegun;
  }

  /** Whether all ranges are folded. */
  get isCaughtUp(): boolean {
    return this.isBegun && this.unread.size === 0;
  }

  /** How many offsets of the ranges are folded. */
  get progress(): { readonly folded: bigint; readonly of: bigint } {
    const missing = this.remaining().reduce((sum, { from, to }) => sum + to - from, 0n);
    return { folded: this.total - missing, of: this.total };
  }

  private set(topic: string, partition: number, next: bigint): void {
    this.next.set(partitionName(topic, partition), next);
    const partitions = this.partitions.get(topic) ?? new Map<number, bigint>();
    this.partitions.set(topic, partitions.set(partition, next));
  }
}
