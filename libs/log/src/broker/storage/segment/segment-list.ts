import type { AbortedTransaction } from '../producers/open-transactions.js';
import type { Segment } from './segment.js';

/** Entries of the active segment that are not written to its index files yet. */
const MAX_UNPERSISTED_INDEX_BYTES = 64 << 10;

/** Index of the segment that contains an offset. Segments are ordered by base offset. */
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

/** The part of a segment that `readSegments` needs. */
export type ReadableSegment = Pick<Segment, 'baseOffset' | 'read'>;

/**
 * Reads whole batches from the first segment with a batch at or after `offset`. A batch that does not fit is not
 * skipped.
 *
 * @param segments live: compaction and retention may replace or remove segments during a read
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
    // The replacement may contain batches of later segments: search again.
    index = at < 0 ? indexOfSegment(segments, offset) : at + 1;
  }
}

/** Aborted transactions with records from `from` to before `to`. */
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

/** The largest timestamp of a segment, or the time of its creation if records have no timestamps. */
export function newestIn({ maxTimestamp, createdAtMs }: Segment): bigint {
  return maxTimestamp >= 0n ? maxTimestamp : BigInt(Math.trunc(createdAtMs));
}

/** Number of segments to remove: those that are too old, and those beyond `retentionBytes` (-1: unlimited). */
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

/** Number of segments that end before `offset`, in a log that ends at `endOffset`. */
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
    // After a crash the active segment is scanned: its index files matter once it is sealed, and should have little to write then.
    if (segment === segments.at(-1) && segment.unpersistedIndexBytes < MAX_UNPERSISTED_INDEX_BYTES) continue;
    await segment.persistIndexes({ sync: false });
  }
  return dirty.length > 0;
}
