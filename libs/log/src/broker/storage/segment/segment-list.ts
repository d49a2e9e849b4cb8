import type { AbortedTransaction } from '../producers/open-transactions.js';
import type { Segment } from './segment.js';

/** Index of the segment that holds an offset, in segments by their base offsets. */
export function indexOfSegment(segments: readonly Pick<Segment, 'baseOffset'>[], offset: bigint): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle] as Pick<Segment, 'baseOffset'>).baseOffset > offset) high = middle;
    else low = middle + 1;
  }
  return Math.max(low - 1, 0);
}

/** A segment as far as `readSegments` needs it. */
export type ReadableSegment = Pick<Segment, 'baseOffset' | 'read'>;

/**
 * Reads whole batches from the first segment that has one at or after `offset`. Only a segment without any leads to the
 * next: a batch that does not fit is never passed over.
 *
 * @param segments live: compaction and retention may replace or remove some while one is read
 * @returns an empty buffer if the next batch does not fit, undefined if there is none
 */
export async function readSegments(
  segments: readonly ReadableSegment[],
  offset: bigint,
  read: (segment: ReadableSegment) => Promise<Buffer | undefined>,
): Promise<Buffer | undefined> {
  let index = indexOfSegment(segments, offset);
  for (;;) {
    const segment = segments[index];
    if (segment === undefined) return undefined;
    const bytes = await read(segment);
    if (bytes !== undefined) return bytes;
    const at = segments.indexOf(segment);
    // What replaced it may hold batches of its successors, so the search starts over.
    index = at < 0 ? indexOfSegment(segments, offset) : at + 1;
  }
}

/** Aborted transactions that have records from `from` on and before `to`. */
export function abortedBetween(segments: readonly Segment[], from: bigint, to: bigint): AbortedTransaction[] {
  const aborted: AbortedTransaction[] = [];
  for (let i = indexOfSegment(segments, from); i < segments.length; i++) {
    if ((segments[i] as Segment).transactionIndex.collect(from, to, aborted)) break;
  }
  return aborted;
}

export function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
}

/** The newest timestamp of a segment's records; where they have none, when the segment began. */
export function newestIn({ maxTimestamp, createdAtMs }: Segment): bigint {
  return maxTimestamp >= 0n ? maxTimestamp : BigInt(Math.trunc(createdAtMs));
}

/** How many of the first segments retention removes: the too old, and those beyond the bytes that are kept (-1: all). */
export function countRemovable(
  segments: readonly Segment[],
  isTooOld: (segment: Segment) => boolean,
  retentionBytes: number,
): number {
  let excess = retentionBytes < 0 ? -1 : bytesOf(segments) - retentionBytes;
  let count = 0;
  for (const segment of segments.slice(0, -1)) {
    const isTooMuch = excess >= segment.sizeBytes;
    if (!isTooOld(segment) && !isTooMuch) break;
    excess -= segment.sizeBytes;
    count++;
  }
  return count;
}

/** How many of the first segments are all before an offset, in a log that ends at `endOffset`. */
export function countBefore(segments: readonly Segment[], offset: bigint, endOffset: bigint): number {
  return segments.findIndex((_, i) => (segments[i + 1]?.baseOffset ?? endOffset + 1n) > offset);
}

/** Monotonic time in milliseconds of the oldest write that no sync covers. */
export function oldestUnsynced(segments: readonly Segment[]): number | undefined {
  return segments.find((segment) => segment.dirtySinceMs !== undefined)?.dirtySinceMs;
}

/** Syncs everything that was written before the call. @returns whether there was anything to sync */
export async function syncDirty(segments: readonly Segment[]): Promise<boolean> {
  const dirty = segments.filter((segment) => segment.dirty);
  for (const segment of dirty) {
    await segment.sync();
    await segment.persistIndexes({ sync: false });
  }
  return dirty.length > 0;
}
