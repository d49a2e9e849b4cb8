import { partitionName, type PartitionLag, type ResolvedRange } from '@hailstream/log';

/** The next offset to fold of each partition, and the ranges that a rebuild has to read before the city is complete. */
export class LogPositions {
  private readonly next = new Map<string, bigint>();
  /** Ranges that are not read to their end. */
  private readonly unread = new Map<string, ResolvedRange>();
  private total = 0n;
  private isBegun = false;

  /** Replaces everything by the ranges of a rebuild. */
  begin(ranges: readonly ResolvedRange[]): void {
    this.clear();
    for (const range of ranges) {
      const name = partitionName(range.topic, range.partition);
      this.next.set(name, range.from);
      if (range.to > range.from) this.unread.set(name, range);
      this.total += range.to - range.from;
    }
    this.isBegun = true;
  }

  /** Forgets everything: the positions belong to another log. */
  clear(): void {
    this.next.clear();
    this.unread.clear();
    this.total = 0n;
    this.isBegun = false;
  }

  /** Whether a record was not folded yet: batches may be delivered more than once. */
  isNew(topic: string, partition: number, offset: bigint): boolean {
    return offset >= (this.next.get(partitionName(topic, partition)) ?? 0n);
  }

  /** Notes that all records before `next` are folded. */
  advance(topic: string, partition: number, next: bigint): void {
    const name = partitionName(topic, partition);
    if (next <= (this.next.get(name) ?? -1n)) return;
    this.next.set(name, next);
    const range = this.unread.get(name);
    if (range !== undefined && next >= range.to) this.unread.delete(name);
  }

  /** The next offset to fold; `undefined` if the partition is not known. */
  nextOffset(topic: string, partition: number): bigint | undefined {
    return this.next.get(partitionName(topic, partition));
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
}
