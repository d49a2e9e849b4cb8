import type { ConsumerGap, UndecodableBatch } from '@hailstream/log';
import type { Chunk } from './log-index.js';

/** Counts the records of the log that were to be read and could not be: offsets once, however often they are read. */
export class UnreadableRecords {
  private readonly ranges = new Map<string, Chunk>();
  private others = 0;

  get count(): number {
    let count = this.others;
    for (const { from, to } of this.ranges.values()) count += to - from;
    return count;
  }

  /** Offsets that the log no longer has, or left out. */
  addGap({ topic, partition, expected, found }: Omit<ConsumerGap, 'cause'>): void {
    this.addRange({ topic, partition, from: Number(expected), to: Number(found) });
  }

  /** A batch that cannot be decoded. */
  addBatch({
    topic,
    partition,
    baseOffset,
    lastOffset,
  }: Pick<UndecodableBatch, 'topic' | 'partition' | 'baseOffset' | 'lastOffset'>): void {
    this.addRange({ topic, partition, from: Number(baseOffset), to: Number(lastOffset) + 1 });
  }

  /** A record that is not an event. It must not be added again. */
  addRecord(): void {
    this.others += 1;
  }

  /** Adds the offsets of another count that are between those of a range. */
  addFrom(other: UnreadableRecords, { topic, partition, from, to }: Chunk): void {
    for (const range of other.ranges.values()) {
      const isSame = range.topic === topic && range.partition === partition;
      if (isSame && range.from < to && range.to > from) this.addRange(range);
    }
  }

  private addRange(range: Chunk): void {
    const { topic, partition, from } = range;
    this.ranges.set(`${topic}-${partition}@${from}`, range);
  }
}
