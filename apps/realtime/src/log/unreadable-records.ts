import type { ConsumerGap, TopicPartition, UndecodableBatch } from '@hailstream/log';
import type { Chunk } from './log-index.js';

/** Maximum number of ranges; further records are only counted. */
const MAX_RANGES = 65_536;

/** Counts the records of the log that were to be read and could not be: offsets once, however often they are read. */
export class UnreadableRecords {
  private readonly ranges = new Map<string, Chunk>();
  private others = 0;

  get count(): number {
    return this.countOutside([]);
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

  /** A record that is not an event. */
  addRecord({ topic, partition }: TopicPartition, offset: bigint): void {
    this.addRange({ topic, partition, from: Number(offset), to: Number(offset) + 1 });
  }

  /** The count without the offsets that are in one of these ranges. */
  countOutside(known: readonly Chunk[]): number {
    let count = this.others;
    for (const range of this.ranges.values())
      if (!known.some(isAround(range))) count += range.to - range.from;
    return count;
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
    const name = `${topic}-${partition}@${from}`;
    if (this.ranges.size < MAX_RANGES || this.ranges.has(name)) this.ranges.set(name, range);
    else this.others += range.to - from;
  }
}

/** Whether a range contains another one. */
function isAround({ topic, partition, from, to }: Chunk): (known: Chunk) => boolean {
  return (known) => {
    const isSame = known.topic === topic && known.partition === partition;
    return isSame && known.from <= from && known.to >= to;
  };
}
