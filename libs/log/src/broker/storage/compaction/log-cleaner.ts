import * as path from 'node:path';
import { readBatchHeader, type BatchHeader } from '../../../protocol/record-batch.js';
import { CompactedTransactions } from './compacted-transactions.js';
import { compactBatch, NewestOffsets, type CompactionRules } from './compaction.js';
import type { FileSystem } from '../files/file-system.js';
import { abortedBetween, bytesOf } from '../segment/segment-list.js';
import { beginSwap, CLEANED_SUFFIX, finishSwap, finishSwaps, swapName } from '../segment/segment-swap.js';
import { segmentName } from '../segment/segment-files.js';
import { Segment, type PlacedBatch } from '../segment/segment.js';
import { MAX_RELATIVE_OFFSET } from '../segment/sparse-index.js';

/** Maximum time on the event loop thread without a pause. */
const SLICE_MS = 4;
/** Bytes per write. */
const WRITE_BYTES = 1 << 20;

/** The topic settings of compaction. */
export interface CleaningSettings {
  readonly segmentBytes: number;
  /** Minimum ratio of uncompacted to total log. */
  readonly minCleanableRatio: number;
  readonly deleteRetentionMs: number;
  /** Minimum age of compacted records. */
  readonly minCompactionLagMs: number;
  /** Maximum age of uncompacted records, whatever the ratio. */
  readonly maxCompactionLagMs: number;
  /** Memory for the keys of one compaction. */
  readonly dedupeBufferBytes: number;
}

/** The log to compact. Meanwhile it is read and appended to, and its oldest segments may be removed. */
export interface CleanableLog {
  readonly files: FileSystem;
  readonly folder: string;
  /** The present segments; empty once the log is closed. */
  segments(): readonly Segment[];
  /** Offset that the last compaction has reached. */
  readonly cleanedBefore: bigint;
  /** Later records are not compacted: their transactions may be open. */
  readonly lastStableOffset: bigint;
  isLastOfProducer(header: BatchHeader): boolean;
  /** Persists that offsets before this one may be missing. */
  allowGaps(before: bigint): Promise<void>;
  /** Replaces segments for later reads. */
  replace(old: readonly Segment[], cleaned: Segment): void;
}

/** The compaction was aborted. The next one continues. */
export class CleaningAbortedError extends Error {
  override readonly name = 'CleaningAbortedError';
}

/**
 * Compacts a log as Kafka's log cleaner does: collects the newest offset of each key from the new segments, then rewrites
 * the segments up to there without outdated records, several small ones into one.
 *
 * @returns the offset that it has reached, undefined if there is nothing to compact
 * @throws CleaningAbortedError if segments were removed meanwhile, or `signal` was aborted
 */
export async function cleanLog(
  log: CleanableLog,
  settings: CleaningSettings,
  { nowMs, signal }: { nowMs: number; signal: AbortSignal },
): Promise<bigint | undefined> {
  const cleanable = await cleanableSegments(log, settings, nowMs);
  if (cleanable.length === 0) return undefined;
  // First completes a swap that failed in the last compaction.
  await finishSwaps(log.files, log.folder);
  const pace = new Pace(signal);
  const newest = new NewestOffsets(settings.dedupeBufferBytes);
  const endOffset = await collectKeys(log, { cleanable, newest, pace });
  let left = cleanable.filter((segment) => segment.baseOffset < endOffset);
  const rules: CompactionRules = {
    newest,
    transactions: transactionsIn(log, 0n, log.lastStableOffset),
    endOffset,
    nowMs,
    deleteRetentionMs: settings.deleteRetentionMs,
    isLastOfProducer: (header) => log.isLastOfProducer(header),
  };
  while (left.length > 0) {
    left = await cleanNext(log, left, { rules, segmentBytes: settings.segmentBytes, pace });
  }
  return endOffset;
}

/** The segments to compact; empty if too little is new. */
async function cleanableSegments(
  log: CleanableLog,
  settings: CleaningSettings,
  nowMs: number,
): Promise<Segment[]> {
  const { cleanedBefore, lastStableOffset } = log;
  const segments = log.segments();
  const youngest = nowMs - settings.minCompactionLagMs;
  const count = segments.findIndex(
    (segment, i) =>
      (segments[i + 1]?.baseOffset ?? lastStableOffset + 1n) > lastStableOffset ||
      (settings.minCompactionLagMs > 0 && Number(segment.maxTimestamp) > youngest),
  );
  const cleanable = segments.slice(0, Math.max(count, 0));
  const dirty = cleanable.filter((_, i) => (segments[i + 1] as Segment).baseOffset > cleanedBefore);
  const dirtyBytes = bytesOf(dirty);
  if (dirtyBytes === 0) return [];
  if (dirtyBytes > settings.minCleanableRatio * bytesOf(cleanable)) return cleanable;
  const oldest = await (dirty[0] as Segment).firstTimestamp();
  const isOverdue = oldest !== undefined && Number(oldest) < nowMs - settings.maxCompactionLagMs;
  return isOverdue ? cleanable : [];
}

/** Collects the keys of new batches, as far as memory allows. @returns the offset after the last of these batches */
async function collectKeys(
  log: CleanableLog,
  { cleanable, newest, pace }: { cleanable: readonly Segment[]; newest: NewestOffsets; pace: Pace },
): Promise<bigint> {
  let endOffset = log.cleanedBefore;
  const transactions = transactionsIn(log, endOffset, log.lastStableOffset);
  for (const segment of cleanable) {
    const next = endOf(log, segment);
    if (next <= log.cleanedBefore) continue;
    const from = log.cleanedBefore > segment.baseOffset ? log.cleanedBefore : segment.baseOffset;
    for await (const batch of pacedBatches(log, segment, from, pace)) {
      if (newest.isFull) return endOffset;
      newest.note(batch, transactions);
      endOffset = readBatchHeader(batch).lastOffset + 1n;
    }
    endOffset = next;
  }
  return endOffset;
}

/**
 * Rewrites the first segment, and as many of the following ones as fit into the same file.
 *
 * @returns the remaining segments
 */
async function cleanNext(
  log: CleanableLog,
  segments: readonly Segment[],
  { rules, segmentBytes, pace }: { rules: CompactionRules; segmentBytes: number; pace: Pace },
): Promise<Segment[]> {
  const { files, folder } = log;
  const { baseOffset: base, createdAtMs: nowMs } = segments[0] as Segment;
  const cleaned = await Segment.open({ files, folder, baseOffset: base, nowMs, suffix: CLEANED_SUFFIX });
  const release = cleaned.hold();
  let file = `${segmentName(base)}${CLEANED_SUFFIX}`;
  try {
    const group: Segment[] = [];
    let changed = false;
    for (const segment of segments) {
      const fits =
        cleaned.sizeBytes + segment.sizeBytes <= segmentBytes &&
        endOf(log, segment) - 1n - base <= MAX_RELATIVE_OFFSET;
      if (group.length > 0 && !fits) break;
      changed = (await writeCleaned(log, segment, cleaned, { rules, pace })) || changed;
      group.push(segment);
    }
    const left = segments.slice(group.length);
    const retainedAborts = rules.transactions.takeKept();
    if (changed || group.length > 1) {
      const range = { base, end: endOf(log, group.at(-1) as Segment) };
      for (const aborted of retainedAborts) cleaned.transactionIndex.append(aborted);
      cleaned.createdAtMs = (group.at(-1) as Segment).createdAtMs;
      await cleaned.sync();
      await log.allowGaps(range.end);
      pace.check();
      checkPresent(log, group);
      file = await beginSwap(files, folder, range);
      checkPresent(log, group);
      // From here on it is part of the log: see segment-swap.ts.
      log.replace(group, cleaned);
      file = '';
      await Promise.all(group.map((segment) => segment.close()));
      await finishSwap(files, folder, swapName(range));
      await cleaned.seal();
    }
    return left;
  } finally {
    release();
    if (file !== '') {
      await cleaned.close();
      await files.remove(path.join(folder, file));
    }
  }
}

/** Appends the compacted batches of a segment. @returns whether any batch was removed or changed */
async function writeCleaned(
  log: CleanableLog,
  segment: Segment,
  cleaned: Segment,
  { rules, pace }: { rules: CompactionRules; pace: Pace },
): Promise<boolean> {
  let changed = false;
  let pending: PlacedBatch[] = [];
  let bytes = 0;
  const write = async () => {
    if (pending.length > 0) await cleaned.append(pending, { sync: false, nowMs: cleaned.createdAtMs });
    pending = [];
    bytes = 0;
  };
  for await (const batch of pacedBatches(log, segment, segment.baseOffset, pace)) {
    const left = compactBatch(batch, rules);
    changed ||= left !== batch;
    if (left === undefined) continue;
    const { baseOffset, lastOffset, maxTimestamp } = readBatchHeader(left);
    pending.push({ bytes: left, baseOffset, lastOffset, maxTimestamp });
    bytes += left.length;
    if (bytes >= WRITE_BYTES) await write();
  }
  await write();
  return changed;
}

/** The batches of a segment one by one, with pauses for the rest of the process. */
async function* pacedBatches(
  log: CleanableLog,
  segment: Segment,
  from: bigint,
  pace: Pace,
): AsyncGenerator<Buffer> {
  checkPresent(log, [segment]);
  const release = segment.hold();
  try {
    for await (const batches of segment.reader.batchesFrom(from)) {
      for (const batch of batches) {
        yield batch;
        if (pace.isDue) await pace.rest();
      }
      // The removal of a segment waits until it is released.
      checkPresent(log, [segment]);
    }
  } finally {
    release();
  }
}

function checkPresent(log: CleanableLog, group: readonly Segment[]): void {
  const segments = log.segments();
  if (group.every((segment) => segments.includes(segment))) return;
  throw new CleaningAbortedError('segments were removed during compaction');
}

/** Base offset of the segment that follows. */
function endOf(log: CleanableLog, segment: Segment): bigint {
  checkPresent(log, [segment]);
  const segments = log.segments();
  return (segments[segments.indexOf(segment) + 1] as Segment).baseOffset;
}

function transactionsIn(log: CleanableLog, from: bigint, to: bigint): CompactedTransactions {
  return new CompactedTransactions(abortedBetween(log.segments(), from, to));
}

/** Pauses for the rest of the process. */
class Pace {
  private sliceEndsMs = performance.now() + SLICE_MS;

  constructor(private readonly signal: AbortSignal) {}

  get isDue(): boolean {
    return performance.now() >= this.sliceEndsMs;
  }

  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
    this.sliceEndsMs = performance.now() + SLICE_MS;
  }

  check(): void {
    if (this.signal.aborted) throw new CleaningAbortedError('the broker is stopping');
  }
}
