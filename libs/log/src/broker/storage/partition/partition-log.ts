import * as path from 'node:path';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { readMarker } from '../../../protocol/markers.js';
import {
  batchesBefore,
  setBaseOffset,
  setLogAppendTime,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import { countTogether, MAX_RELATIVE_OFFSET, type PendingAppend } from './append-group.js';
import { CleaningAbortedError, cleanLog, type CleanableLog } from '../compaction/log-cleaner.js';
import type { LogSettings } from './log-settings.js';
import { findLargestTimestamp, findOffsetAtTime, type TimedOffset } from '../segment/offset-at-time.js';
import { OpenTransactions, type AbortedTransaction } from '../producers/open-transactions.js';
import { ProducerStates } from '../producers/producer-states.js';
import { recoverSegments, type RecoveryOptions } from '../recovery/recovery.js';
import { RemovedSegments } from '../segment/removed-segments.js';
import { oldestUnsynced, syncDirty } from '../segment/segment-flush.js';
import {
  abortedBetween,
  bytesOf,
  countBefore,
  countRemovable,
  newestIn,
  readSegments,
} from '../segment/segment-list.js';
import { Segment, segmentName, type PlacedBatch } from '../segment/segment.js';

const LEADER_EPOCH = 0;
const NO_BYTES = Buffer.alloc(0);

export interface PartitionLogOptions extends RecoveryOptions {
  readonly settings: () => LogSettings;
  /** First offset that may be read, as DeleteRecords left it. */
  readonly logStartOffset: bigint;
  /** Offset that compaction came to. */
  readonly cleanedBefore: bigint;
  /** Keeps it. */
  readonly onCleaned?: () => Promise<void>;
  /** Keeps where there may be gaps, before there are any. */
  readonly onCleaning?: () => Promise<void>;
  /** Told after each write that failed; the partition goes on trying. */
  readonly onWriteFailure?: (error: unknown) => void;
}

/** Where an appended batch lies. */
export interface AppendResult {
  readonly baseOffset: bigint;
  /** -1 where records keep the timestamps of their producer. */
  readonly logAppendTimeMs: bigint;
}

/**
 * One partition: segments in a folder, and the state that is derived from them.
 *
 * Appends that come while a write is under way are gathered into the next one. Records can be read, and appends are
 * answered, once they are written; with `flush.messages` they wait for one sync that they share.
 */
export class PartitionLog {
  private segments: Segment[] = [];
  private readonly removed: RemovedSegments;
  /** Offset of the next batch, counting those that wait to be written. */
  private nextOffset = 0n;
  private written = 0n;
  private start: bigint;
  private cleaned: bigint;
  /** Offset before which compaction may have left gaps. */
  private gaps: bigint;
  private pending: PendingAppend[] = [];
  private draining: Promise<void> | undefined;
  private messagesSinceSync = 0;
  private readonly listeners = new Set<(appendedBytes: number) => void>();
  private readonly closeListeners = new Set<() => void>();
  private closed = false;
  private cleaning: Promise<void> | undefined;
  readonly producers = new ProducerStates();
  /** As the written batches leave them. */
  private readonly openTransactions = new OpenTransactions();

  private constructor(private readonly options: PartitionLogOptions) {
    this.removed = new RemovedSegments(options.files, options.folder);
    this.start = options.logStartOffset;
    this.cleaned = options.cleanedBefore;
    this.gaps = options.gapsBefore;
  }

  /** Opens the folder, checks what a crash may have damaged, and cuts the log at the first bad byte. */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const log = new PartitionLog(options);
    await options.files.makeFolder(options.folder);
    const { segments, endOffset } = await recoverSegments(options, {
      producers: log.producers,
      open: log.openTransactions,
    });
    log.segments = segments;
    log.written = endOffset;
    log.nextOffset = endOffset;
    const first = segments[0] as Segment;
    if (log.start < first.baseOffset) log.start = first.baseOffset;
    if (log.start > endOffset) log.start = endOffset;
    return log;
  }

  get logStartOffset(): bigint {
    return this.start;
  }

  /** Offset after the newest record that can be read. */
  get highWatermark(): bigint {
    return this.written;
  }

  /** Offset before which the outcome of every transaction is known. */
  get lastStableOffset(): bigint {
    const undecided = this.openTransactions.firstOffset;
    if (undecided === undefined) return this.written;
    return undecided < this.start ? this.start : undecided;
  }

  get segmentCount(): number {
    return this.segments.length;
  }

  get sizeBytes(): number {
    return bytesOf(this.segments);
  }

  /** Everything before it is on disk. */
  get recoveryPoint(): bigint {
    const firstDirty = this.segments.find((segment) => segment.dirty);
    return firstDirty === undefined ? this.written : firstDirty.baseOffset;
  }

  /**
   * Appends one checked batch, whose bytes it patches and keeps until they are written. Resolves once it may be
   * acknowledged.
   *
   * @throws ProtocolError where its producer's sequence or transaction does not allow it, or the disk took it not
   */
  async append(batch: Buffer, header: BatchHeader): Promise<AppendResult> {
    if (this.closed) throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'the partition is closed');
    const logAppendTimeMs = this.stamp(batch);
    if (header.producerId >= 0n) {
      const verdict = this.producers.check(header);
      if (verdict.kind === 'duplicate') {
        await this.writtenUpTo(verdict.batch.lastOffset);
        return { baseOffset: verdict.batch.baseOffset, logAppendTimeMs };
      }
    }
    const baseOffset = this.nextOffset;
    const lastOffset = baseOffset + (header.lastOffset - header.baseOffset);
    setBaseOffset(batch, baseOffset, LEADER_EPOCH);
    const marker = header.control ? readMarker(batch) : undefined;
    const undo =
      header.producerId >= 0n
        ? this.producers.remember(header, baseOffset, this.options.now(), marker)
        : undefined;
    const transaction = header.transactional ? { producerId: header.producerId, marker } : undefined;
    this.nextOffset = lastOffset + 1n;
    const maxTimestamp = logAppendTimeMs >= 0n ? logAppendTimeMs : header.maxTimestamp;
    await new Promise<void>((resolve, reject) => {
      const placed = { bytes: batch, baseOffset, lastOffset, maxTimestamp };
      this.pending.push({ placed, transaction, undo, resolve, reject });
      this.draining ??= this.drain();
    });
    return { baseOffset, logAppendTimeMs };
  }

  private stamp(batch: Buffer): bigint {
    if (this.options.settings().timestampType === 'CreateTime') return -1n;
    const now = BigInt(this.options.now());
    setLogAppendTime(batch, now);
    return now;
  }

  /** A repeat of a batch that is still being written is answered with it. */
  private async writtenUpTo(lastOffset: bigint): Promise<void> {
    while (this.written <= lastOffset) {
      if (this.draining === undefined) {
        throw new ProtocolError(
          ErrorCode.KAFKA_STORAGE_ERROR,
          'the first copy of this batch was not written',
        );
      }
      await this.nextAdvance();
    }
  }

  private async nextAdvance(): Promise<void> {
    const drained = this.draining ?? Promise.resolve();
    let stop = nothing;
    const advanced = new Promise<void>((resolve) => {
      stop = this.onAdvance(() => resolve());
    });
    await Promise.race([advanced, drained]);
    stop();
  }

  private async drain(): Promise<void> {
    while (this.pending.length > 0) {
      let group: PendingAppend[] = [];
      try {
        const segment = await this.segmentForNext();
        group = this.takeGroup(segment);
        await this.write(segment, group);
      } catch (error) {
        await this.abandon(group, error);
      }
    }
    this.draining = undefined;
  }

  /** The batches that go into one write: those that fit the segment, at least one. */
  private takeGroup(segment: Segment): PendingAppend[] {
    return this.pending.splice(0, countTogether(this.pending, segment, this.options.settings().segmentBytes));
  }

  private async write(segment: Segment, group: readonly PendingAppend[]): Promise<void> {
    this.messagesSinceSync += group.length;
    const sync = this.messagesSinceSync >= this.options.settings().flushMessages;
    if (sync) this.messagesSinceSync = 0;
    await segment.append(
      group.map((append) => append.placed),
      { sync, nowMs: this.options.now() },
    );
    const last = group.at(-1) as PendingAppend;
    this.written = last.placed.lastOffset + 1n;
    let bytes = 0;
    for (const append of group) {
      if (append.transaction !== undefined) this.noteTransaction(segment, append.transaction, append.placed);
      bytes += append.placed.bytes.length;
      append.resolve();
    }
    for (const listener of [...this.listeners]) listener(bytes);
  }

  private noteTransaction(
    segment: Segment,
    { producerId, marker }: NonNullable<PendingAppend['transaction']>,
    { baseOffset, lastOffset }: PlacedBatch,
  ): void {
    const aborted = this.openTransactions.note({ producerId, baseOffset, lastOffset }, marker);
    if (aborted !== undefined) segment.transactionIndex.append(aborted);
  }

  /** Makes everything that waits to be written as if it had never come, and says so to its producers. */
  private async abandon(group: readonly PendingAppend[], cause: unknown): Promise<void> {
    const failed = [...group, ...this.pending];
    this.pending = [];
    for (const { undo } of failed.toReversed()) if (undo !== undefined) this.producers.forget(undo);
    this.nextOffset = this.written;
    this.options.onWriteFailure?.(cause);
    await this.active.trim().catch((err: unknown) => {
      this.options.logger.error({ err, folder: this.options.folder }, 'segment not trimmed after a failure');
    });
    for (const append of failed) {
      append.reject(
        new ProtocolError(ErrorCode.KAFKA_STORAGE_ERROR, 'the log could not be written', { cause }),
      );
    }
  }

  private get active(): Segment {
    return this.segments.at(-1) as Segment;
  }

  /** The active segment, or a new one where the next batch does not belong in it. */
  private async segmentForNext(): Promise<Segment> {
    const { placed } = this.pending[0] as PendingAppend;
    const { active } = this;
    const { segmentBytes, segmentMs } = this.options.settings();
    const fits =
      active.sizeBytes === 0 ||
      (active.sizeBytes + placed.bytes.length <= segmentBytes &&
        placed.lastOffset - active.baseOffset <= MAX_RELATIVE_OFFSET &&
        (await active.ageAt(placed)) <= segmentMs);
    return fits ? active : this.roll(placed.baseOffset);
  }

  private async roll(baseOffset: bigint): Promise<Segment> {
    const { files, folder, now } = this.options;
    await this.active.seal();
    // First: what is known of producers must not depend on batches that compaction may take once they are sealed.
    await this.writeSnapshot(baseOffset);
    // Last: where it fails, the log goes on in the old one, and a file of this name would cut it there.
    const segment = await Segment.open({ files, folder, baseOffset, nowMs: now() });
    this.segments.push(segment);
    return segment;
  }

  /** Begins a segment where nothing is being written; what comes meanwhile waits for it. */
  private async rollIdle(): Promise<void> {
    if (this.draining !== undefined) return;
    const rolled = this.roll(this.written);
    this.draining = rolled.then(nothing, nothing).then(() => this.drain());
    await rolled;
  }

  /** Keeps what is known of producers at `offset`, without the batches that still wait to be written. */
  private async writeSnapshot(offset: bigint): Promise<void> {
    const waiting = this.pending.flatMap(({ undo }) => (undo === undefined ? [] : [undo]));
    await this.options.files.replaceFile(
      path.join(this.options.folder, `${segmentName(offset)}.snapshot`),
      this.producers.snapshot(waiting.toReversed()),
    );
  }

  /**
   * Reads whole batches as they lie in the file, from the one that holds `offset` on, into memory from `allocate`.
   *
   * @returns nothing at the high watermark, and if the next batch does not fit
   * @throws ProtocolError `OFFSET_OUT_OF_RANGE`
   */
  async read(
    offset: bigint,
    maxBytes: number,
    atLeastOne: boolean,
    allocate: (length: number) => Buffer = Buffer.allocUnsafe,
  ): Promise<Buffer[]> {
    this.checkInRange(offset);
    if (offset === this.written || (maxBytes <= 0 && !atLeastOne)) return [];
    const bytes = await readSegments(this.segments, offset, (segment) =>
      segment.read(offset, maxBytes, atLeastOne, allocate),
    );
    return bytes === undefined || bytes.length === 0 ? [] : [bytes];
  }

  /**
   * Reads as `read` does, up to the last stable offset.
   *
   * @returns the aborted transactions that have records among what was read, too
   */
  async readCommitted(
    offset: bigint,
    maxBytes: number,
    atLeastOne: boolean,
    allocate: (length: number) => Buffer = Buffer.allocUnsafe,
  ): Promise<{ records: Buffer[]; aborted: AbortedTransaction[] }> {
    this.checkInRange(offset);
    const end = this.lastStableOffset;
    const [bytes] = offset < end ? await this.read(offset, maxBytes, atLeastOne, allocate) : [];
    const { batches, endOffset } = batchesBefore(bytes ?? NO_BYTES, end);
    if (endOffset === undefined) return { records: [], aborted: [] };
    return { records: [batches], aborted: abortedBetween(this.segments, offset, endOffset) };
  }

  private checkInRange(offset: bigint): void {
    if (offset >= this.start && offset <= this.written) return;
    throw new ProtocolError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `offset ${offset} is not in ${this.start}..${this.written}`,
    );
  }

  /** Calls back after each write, with its bytes. @returns what ends it */
  onAdvance(listener: (appendedBytes: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls back once nothing can be read here any longer. @returns what ends it */
  onClose(listener: () => void): () => void {
    this.closeListeners.add(listener);
    return () => this.closeListeners.delete(listener);
  }

  /** The first record with this timestamp or a later one. */
  offsetAtTime(timestamp: bigint): Promise<TimedOffset | undefined> {
    return findOffsetAtTime(this.segments, timestamp, this.start);
  }

  /** The record with the largest timestamp. */
  offsetOfMaxTimestamp(): Promise<TimedOffset | undefined> {
    return findLargestTimestamp(this.segments, this.start);
  }

  /**
   * Makes everything before `offset` unreadable, and removes the segments that are all before it.
   *
   * @throws ProtocolError `OFFSET_OUT_OF_RANGE` above the high watermark
   */
  async deleteBefore(offset: bigint): Promise<void> {
    if (offset > this.written || offset < 0n) {
      throw new ProtocolError(ErrorCode.OFFSET_OUT_OF_RANGE, `offset ${offset} is above ${this.written}`);
    }
    if (offset > this.start) this.start = offset;
    await this.removeFirst(countBefore(this.segments, this.start, this.written));
  }

  /** Removes whole segments that are too old, or too many for the size the log may have. */
  async applyRetention(): Promise<void> {
    const { retentionMs, retentionBytes, deletesOldSegments } = this.options.settings();
    if (!deletesOldSegments) return;
    const oldest = BigInt(this.options.now()) - BigInt(retentionMs);
    const isTooOld = (segment: Segment) => retentionMs >= 0 && newestIn(segment) < oldest;
    // Old records go, even where no new one comes that would begin another segment.
    if (isTooOld(this.active) && this.active.sizeBytes > 0) await this.rollIdle();
    const count = countRemovable(this.segments, isTooOld, retentionBytes);
    const next = this.segments[count];
    if (next !== undefined && next.baseOffset > this.start) this.start = next.baseOffset;
    const { folder, logger } = this.options;
    if (count > 0) {
      logger.debug({ folder, segments: count, logStartOffset: String(this.start) }, 'old segments removed');
    }
    await this.removeFirst(count);
  }

  /**
   * Removes records whose key has a newer one, those of aborted transactions, and tombstones and markers whose time has
   * come, where enough is new since the last time, and merges small segments. Offsets stay what they were.
   */
  async compact(signal: AbortSignal): Promise<void> {
    if (!this.options.settings().compacts || this.closed) return;
    this.cleaning = this.clean(signal).finally(() => {
      this.cleaning = undefined;
    });
    await this.cleaning;
  }

  private async clean(signal: AbortSignal): Promise<void> {
    const { logger, folder, now, settings, onCleaned } = this.options;
    try {
      const reached = await cleanLog(this.cleanable(), settings(), { nowMs: now(), signal });
      if (reached === undefined) return;
      this.cleaned = reached;
      await onCleaned?.();
    } catch (error) {
      if (!(error instanceof CleaningAbortedError)) throw error;
      logger.info({ folder, reason: error.message }, 'compaction given up');
    }
  }

  private cleanable(): CleanableLog {
    const { files, folder, onCleaning } = this.options;
    return {
      files,
      folder,
      segments: () => (this.closed ? [] : this.segments),
      cleanedBefore: this.cleaned,
      lastStableOffset: this.lastStableOffset,
      isLastOfProducer: (header) => this.producers.isLast(header),
      allowGaps: async (before) => {
        if (before <= this.gaps) return;
        this.gaps = before;
        await onCleaning?.();
      },
      replace: (old, cleaned) => {
        this.segments.splice(this.segments.indexOf(old[0] as Segment), old.length, cleaned);
      },
    };
  }

  /** Offset before which compaction may have left gaps. */
  get gapsBefore(): bigint {
    return this.gaps;
  }

  /** Offset that compaction has come to. */
  get cleanedBefore(): bigint {
    return this.cleaned;
  }

  private async removeFirst(count: number): Promise<void> {
    await this.removed.remove(this.segments.splice(0, Math.min(count, this.segments.length - 1)));
  }

  /** Forgets producers that have not been seen for so long. */
  forgetProducers(unseenMs: number): void {
    this.producers.forgetUnseenSince(this.options.now() - unseenMs);
  }

  /** Brings to disk what was written, if the oldest of it has waited for `flush.ms`, but for `earlyMs`. */
  async flushIfDue(earlyMs: number): Promise<void> {
    const { flushMs } = this.options.settings();
    const oldest = oldestUnsynced(this.segments);
    if (oldest !== undefined && performance.now() - oldest >= flushMs - earlyMs) await this.flush();
  }

  /** Brings to disk everything that was written before the call. @returns whether there was anything */
  flush(): Promise<boolean> {
    return syncDirty(this.segments);
  }

  /** Writes what waits, brings it to disk and closes the files. */
  async close(): Promise<void> {
    this.closed = true;
    await this.draining;
    await this.flush();
    await this.active.seal();
    await this.writeSnapshot(this.written);
    await this.abort();
  }

  /** Closes the files as they are, as a killed process would. */
  async abort(): Promise<void> {
    this.closed = true;
    for (const listener of [...this.closeListeners]) listener();
    await this.draining;
    await this.cleaning?.catch(nothing);
    await this.removed.close();
    await Promise.all(this.segments.map((segment) => segment.close()));
    this.listeners.clear();
  }
}

function nothing(): void {}
