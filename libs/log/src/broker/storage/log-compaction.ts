import { batchSizeBytes } from '../protocol/record-batch.js';
import { CompactedTransactions, compactBatches, NewestOffsets } from './compaction.js';
import type { AbortedTransaction } from './open-transactions.js';
import type { Segment } from './segment.js';
import { abortedBetween, bytesOf, newestIn } from './segment-list.js';

/** What is to be compacted: the segments from the first on, up to one. */
export interface CompactionPlan {
  readonly count: number;
  readonly newest: NewestOffsets;
  /** In the order of their first offsets. */
  readonly aborted: readonly AbortedTransaction[];
  /** Offset before which compaction will have been. */
  readonly endOffset: bigint;
}

/** What bounds compaction. */
export interface CompactionBounds {
  /** Compaction has been before it. */
  readonly cleanedBefore: bigint;
  readonly lastStableOffset: bigint;
  /** Part of the log that must be new, unless some of it is overdue. */
  readonly minCleanableRatio: number;
  /** Segments with newer records are left alone. */
  readonly youngest: bigint;
  /** Segments that began before it wait no longer. */
  readonly overdueSinceMs: number;
}

/**
 * Reads what is new since the last time in the segments that can be compacted: all but the active one, and before the
 * first record whose transaction is open.
 *
 * @returns undefined where too little is new
 */
export async function planCompaction(
  segments: readonly Segment[],
  bounds: CompactionBounds,
): Promise<CompactionPlan | undefined> {
  const firstKept = segments.findIndex(
    (segment, i) =>
      (segments[i + 1]?.baseOffset ?? Infinity) > bounds.lastStableOffset ||
      newestIn(segment) > bounds.youngest,
  );
  const closed = segments.slice(0, firstKept);
  const firstDirty = closed.findIndex((segment) => segment.baseOffset >= bounds.cleanedBefore);
  if (firstDirty < 0) return undefined;
  const isOverdue = (closed[firstDirty] as Segment).createdAtMs < bounds.overdueSinceMs;
  const isEnough = bytesOf(closed.slice(firstDirty)) >= bounds.minCleanableRatio * bytesOf(closed);
  if (!isOverdue && !isEnough) return undefined;
  const dirtyStart = (closed[firstDirty] as Segment).baseOffset;
  const transactions = new CompactedTransactions(
    abortedBetween(segments, dirtyStart, bounds.lastStableOffset),
  );
  const newest = new NewestOffsets();
  let count = firstDirty;
  for (; count < closed.length && !newest.isFull; count++) {
    forEachBatch(await (closed[count] as Segment).readAll(), (batch) => newest.note(batch, transactions));
  }
  const endOffset = (segments[count] as Segment).baseOffset;
  return { count, newest, endOffset, aborted: abortedBetween(segments, 0n, endOffset) };
}

/** Compacts what was planned; `segments` are changed one by one. */
export async function applyCompaction(
  segments: Segment[],
  plan: CompactionPlan,
  time: { nowMs: number; deleteRetentionMs: number },
): Promise<void> {
  const transactions = new CompactedTransactions(plan.aborted);
  for (const segment of segments.slice(0, plan.count)) {
    const before = await segment.readAll();
    const { batches, changed } = compactBatches(before, { newest: plan.newest, transactions, ...time });
    const aborted = transactions.takeKept();
    // Retention may have removed it in the meantime.
    if (!changed || !segments.includes(segment)) continue;
    // The first says where the log starts: it stays, empty.
    if (batches.length === 0 && segment !== segments[0]) {
      segments.splice(segments.indexOf(segment), 1);
      await segment.remove();
      continue;
    }
    const replacement = await segment.replaceWith(batches, aborted);
    segments[segments.indexOf(segment)] = replacement;
    await segment.close();
  }
}

function forEachBatch(bytes: Buffer, visit: (batch: Buffer) => void): void {
  for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
    visit(bytes.subarray(at, at + batchSizeBytes(bytes, at)));
  }
}
