import { EntryBuffer, lastNotAfter } from './entry-buffer.js';

/*
 * Kafka's index files, held in memory in the format of the files:
 *
 *   .index       relativeOffset int32 · position int32        last offset of a batch, and its position
 *   .timeindex   timestamp int64 · relativeOffset int32       largest timestamp so far, and its offset
 */
/** Maximum difference between an offset and the base offset of its segment: entries have 31 bits for it. */
export const MAX_RELATIVE_OFFSET = 0x7fffffffn;
const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

/** Positions of batches by their last offset relative to the base offset. */
export class OffsetIndex extends EntryBuffer {
  constructor(contents?: Buffer) {
    super(OFFSET_ENTRY_BYTES, contents);
  }

  /** @returns undefined if the bytes are not a valid index of a segment of this size */
  static parse(contents: Buffer, segmentBytes: number): OffsetIndex | undefined {
    if (contents.length % OFFSET_ENTRY_BYTES !== 0) return undefined;
    let lastOffset = -1;
    let lastPosition = -1;
    for (let at = 0; at < contents.length; at += OFFSET_ENTRY_BYTES) {
      const offset = contents.readInt32BE(at);
      const position = contents.readInt32BE(at + 4);
      if (offset <= lastOffset || position <= lastPosition || position >= segmentBytes) return undefined;
      lastOffset = offset;
      lastPosition = position;
    }
    return new OffsetIndex(contents);
  }

  append(relativeOffset: number, position: number): void {
    const { buffer, at } = this.next();
    buffer.writeInt32BE(relativeOffset, at);
    buffer.writeInt32BE(position, at + 4);
  }

  /** Position from which to search for an offset: that of a batch at or before the one with the offset. */
  lookUp(relativeOffset: number): number {
    const index = lastNotAfter(this.count, (i) => this.offsetAt(i) > relativeOffset);
    return index < 0 ? 0 : this.positionAt(index);
  }

  /** Position of the last entry at or before `position`. */
  lastPositionBefore(position: number): number {
    const index = lastNotAfter(this.count, (i) => this.positionAt(i) > position);
    return index < 0 ? 0 : this.positionAt(index);
  }

  private offsetAt(index: number): number {
    const { buffer, at } = this.entry(index);
    return buffer.readInt32BE(at);
  }

  private positionAt(index: number): number {
    const { buffer, at } = this.entry(index);
    return buffer.readInt32BE(at + 4);
  }
}

/** Largest timestamps so far, with their first offsets. */
export class TimeIndex extends EntryBuffer {
  constructor(contents?: Buffer) {
    super(TIME_ENTRY_BYTES, contents);
  }

  /** @returns undefined if the bytes are not a valid time index */
  static parse(contents: Buffer): TimeIndex | undefined {
    if (contents.length % TIME_ENTRY_BYTES !== 0) return undefined;
    // The halves of a timestamp: a bigint of each would be an object.
    let lastHigh = Number.NEGATIVE_INFINITY;
    let lastLow = 0;
    let lastOffset = -1;
    for (let at = 0; at < contents.length; at += TIME_ENTRY_BYTES) {
      const high = contents.readInt32BE(at);
      const low = contents.readUInt32BE(at + 4);
      const offset = contents.readInt32BE(at + 8);
      if (high < lastHigh || (high === lastHigh && low <= lastLow) || offset < lastOffset) return undefined;
      lastHigh = high;
      lastLow = low;
      lastOffset = offset;
    }
    return new TimeIndex(contents);
  }

  /** Adds a timestamp if it is larger than all before. */
  append(timestamp: bigint, relativeOffset: number): void {
    const last = this.last();
    if (last !== undefined && timestamp <= last.timestamp) return;
    const { buffer, at } = this.next();
    buffer.writeBigInt64BE(timestamp, at);
    buffer.writeInt32BE(relativeOffset, at + 8);
  }

  last(): { timestamp: bigint; relativeOffset: number } | undefined {
    return this.count === 0 ? undefined : this.at(this.count - 1);
  }

  /** Relative offset from which a scan finds the first record at or after `timestamp`. */
  lookUp(timestamp: bigint): number {
    const index = lastNotAfter(this.count, (i) => this.at(i).timestamp >= timestamp);
    return index < 0 ? 0 : this.at(index).relativeOffset;
  }

  private at(index: number): { timestamp: bigint; relativeOffset: number } {
    const { buffer, at } = this.entry(index);
    return { timestamp: buffer.readBigInt64BE(at), relativeOffset: buffer.readInt32BE(at + 8) };
  }
}
