import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { batchesBefore, type BatchHeader } from '../../../protocol/record-batch.js';
import { CleaningAbortedError, cleanLog, type CleanableLog } from '../compaction/log-cleaner.js';
import { OpenTransactions, type AbortedTransaction } from '../producers/open-transactions.js';
import { ProducerStates } from '../producers/producer-states.js';
import { recoverSegments, type RecoveryOptions } from '../recovery/recovery.js';
import { findLargestTimestamp, findOffsetAtTime, type TimedOffset } from '../segment/offset-at-time.js';
import {
  abortedBetween,
  bytesOf,
  countBefore,
  countRemovable,
  newestIn,
  oldestUnsynced,
  readSegments,
  syncDirty,
} from '../segment/segment-list.js';
import type { PlacedBatch, Segment } from '../segment/segment.js';
import { AppendQueue, type AppendResult, type PendingAppend } from './append-queue.js';
import { Listeners } from './listeners.js';
import { LogSegments, type LogSettings } from './log-segments.js';

const NO_BYTES = Buffer.alloc(0);

interface PartitionLogOptions extends RecoveryOptions {
  readonly settings: () => LogSettings;
  /** First offset that may be read, which DeleteRecords has set. */
  readonly logStartOffset: bigint;
  /** Offset that compaction has reached. */
  readonly cleanedBefore: bigint;
  /** Persists `cleanedBefore` after a compaction. */
  readonly onCleaned?: () => Promise<void>;
  /** Persists `gapsBefore` before a compaction leaves gaps. */
  readonly onCleaning?: () => Promise<void>;
  /** Called after each failed write. The partition stays writable. */
  readonly onWriteFailure?: (error: unknown) => void;
}

/**
 * The log of one partition: its segments in a folder, and the state of producers and transactions that is derived from
 * them. Records can be read as soon as they are written.
 */
export class PartitionLog {
  private written: bigint;
  private start: bigint;
  private cleaned: bigint;
  private gaps: bigint;
  private readonly appends: AppendQueue;
  private readonly listeners = new Listeners<[appendedBytes: number]>();
  private readonly closeListeners = new Listeners<[]>();
  private closed = false;
  private cleaning: Promise<void> | undefined;

  private constructor(
    private readonly options: PartitionLogOptions,
    private readonly segments: LogSegments,
    readonly producers: ProducerStates,
    /** Transactions that the written batches leave open. */
    private readonly openTransactions: OpenTransactions,
    endOffset: bigint,
  ) {
    const { baseOffset } = segments.list[0] as Segment;
    this.start = options.logStartOffset;
    if (this.start < baseOffset) this.start = baseOffset;
    if (this.start > endOffset) this.start = endOffset;
    this.cleaned = options.cleanedBefore;
    this.gaps = options.gapsBefore;
    this.written = endOffset;
    this.appends = new AppendQueue(this.appendTarget(), endOffset);
  }

  /** Opens the folder, checks what a crash may have damaged, and truncates the log at the first invalid byte. */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    await options.files.makeFolder(options.folder);
    const producers = new ProducerStates();
    const open = new OpenTransactions();
    const { segments, endOffset } = await recoverSegments(options, { producers, open });
    return new PartitionLog(options, new LogSegments(options, segments), producers, open, endOffset);
  }

  get logStartOffset(): bigint {
    return this.start;
  }

  /** Offset after the last record that can be read. */
  get highWatermark(): bigint {
    return this.written;
  }

  /** Offset before which every transaction is committed or aborted. */
  get lastStableOffset(): bigint {
    const firstOpen = this.openTransactions.firstOffset;
    if (firstOpen === undefined) return this.written;
    return firstOpen < this.start ? this.start : firstOpen;
  }

  get segmentCount(): number {
    return this.segments.list.length;
  }

  get sizeBytes(): number {
    return bytesOf(this.segments.list);
  }

  /** Offset before which everything is synced. */
  get recoveryPoint(): bigint {
    const firstDirty = this.segments.list.find((segment) => segment.dirty);
    return firstDirty === undefined ? this.written : firstDirty.baseOffset;
  }

  /** Offset before which compaction may have left gaps. */
  get gapsBefore(): bigint {
    return this.gaps;
  }

  /** Offset that compaction has reached. */
  get cleanedBefore(): bigint {
    return this.cleaned;
  }

  /**
   * Appends one validated batch. Its offsets are set in `batch`, which must not be modified until the append resolves:
   * then it may be acknowledged.
   *
   * @throws ProtocolError if the sequence or the transaction of its producer does not allow it, or the write failed
   */
  append(batch: Buffer, header: BatchHeader): Promise<AppendResult> {
    if (!this.closed) return this.appends.append(batch, header);
    const error = new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'the partition is closed');
    return Promise.reject(error);
  }

  private appendTarget() {
    const { options } = this;
    const highWatermark = () => this.written;
    return {
      settings: options.settings,
      now: options.now,
      producers: this.producers,
      get highWatermark() {
        return highWatermark();
      },
      activeIfFits: (batch: PlacedBatch) => this.segments.activeIfFits(batch, options.settings()),
      segmentFor: (batch: PlacedBatch) => this.segmentFor(batch),
      written: (segment: Segment, appends: readonly PendingAppend[]) => this.advance(segment, appends),
      writeFailed: (cause: unknown) => this.recoverFromFailedWrite(cause),
      onAdvance: (listener: () => void) => this.onAdvance(listener),
    };
  }

  private async segmentFor(batch: PlacedBatch): Promise<Segment> {
    await this.segments.active.loadFirstTimestamp();
    const active = this.segments.activeIfFits(batch, this.options.settings());
    return active ?? this.segments.roll(batch.baseOffset, this.snapshot());
  }

  private snapshot(): Buffer {
    return this.producers.snapshot(this.appends.pendingUndos);
  }

  private advance(segment: Segment, appends: readonly PendingAppend[]): void {
    let bytes = 0;
    for (const { placed, transaction } of appends) {
      this.written = placed.lastOffset + 1n;
      bytes += placed.bytes.length;
      if (transaction === undefined) continue;
      const { baseOffset, lastOffset } = placed;
      const { producerId, marker } = transaction;
      const aborted = this.openTransactions.note({ producerId, baseOffset, lastOffset }, marker);
      if (aborted !== undefined) segment.transactionIndex.append(aborted);
    }
    this.listeners.call(bytes);
  }

  private async recoverFromFailedWrite(cause: unknown): Promise<void> {
    this.options.onWriteFailure?.(cause);
    await this.segments.active.trim().catch((err: unknown) => {
      this.options.logger.error(
        { err, folder: this.options.folder },
        'segment not trimmed after a failed write',
      );
    });
  }

  /**
   * Reads whole batches as they are stored, from the one that contains `offset` on, into memory from `allocate`.
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
    const bytes = await readSegments(this.segments.list, offset, (segment) =>
      segment.read(offset, maxBytes, atLeastOne, allocate),
    );
    return bytes === undefined || bytes.length === 0 ? [] : [bytes];
  }

  /**
   * Reads as `read` does, up to the last stable offset.
   *
   * @returns also the aborted transactions that have records in the batches
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
    return { records: [batches], aborted: abortedBetween(this.segments.list, offset, endOffset) };
  }

  private checkInRange(offset: bigint): void {
    if (offset >= this.start && offset <= this.written) return;
    throw new ProtocolError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `offset ${offset} is out of range: the log has ${this.start} to ${this.written}`,
    );
  }

  /** Calls the listener after each write with the number of bytes, until the returned function is called. */
  onAdvance(listener: (appendedBytes: number) => void): () => void {
    return this.listeners.add(listener);
  }

  /** Calls the listener when the log is closed, until the returned function is called. */
  onClose(listener: () => void): () => void {
    return this.closeListeners.add(listener);
  }

  /** The first record with this timestamp or a later one. */
  offsetAtTime(timestamp: bigint): Promise<TimedOffset | undefined> {
    return findOffsetAtTime(this.segments.list, timestamp, this.start);
  }

  /** The record with the largest timestamp. */
  offsetOfMaxTimestamp(): Promise<TimedOffset | undefined> {
    return findLargestTimestamp(this.segments.list, this.start);
  }

  /**
   * Moves the log start offset to `offset`, and removes the segments before it.
   *
   * @throws ProtocolError `OFFSET_OUT_OF_RANGE` above the high watermark
   */
  async deleteBefore(offset: bigint): Promise<void> {
    if (offset > this.written || offset < 0n) {
      throw new ProtocolError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is out of range: the high watermark is ${this.written}`,
      );
    }
    if (offset > this.start) this.start = offset;
    await this.segments.removeFirst(countBefore(this.segments.list, this.start, this.written));
  }

  /** Removes segments that exceed `retention.ms` or `retention.bytes`. */
  async applyRetention(): Promise<void> {
    const { retentionMs, retentionBytes, deletesOldSegments } = this.options.settings();
    if (!deletesOldSegments) return;
    const { list, active } = this.segments;
    const oldest = BigInt(this.options.now()) - BigInt(retentionMs);
    const isTooOld = (segment: Segment) => retentionMs >= 0 && newestIn(segment) < oldest;
    // Old records are removed even if no new ones arrive that would start another segment.
    if (isTooOld(active) && active.sizeBytes > 0) {
      await this.appends.runIfIdle(() => this.segments.roll(this.written, this.snapshot()));
    }
    const count = countRemovable(list, isTooOld, retentionBytes);
    const next = list[count];
    if (next !== undefined && next.baseOffset > this.start) this.start = next.baseOffset;
    const { folder, logger } = this.options;
    if (count > 0) {
      logger.debug({ folder, segments: count, logStartOffset: String(this.start) }, 'old segments removed');
    }
    await this.segments.removeFirst(count);
  }

  /**
   * Removes records with a newer record of the same key, records of aborted transactions, and expired tombstones and
   * markers, if enough of the log is new since the last compaction. Merges small segments. Offsets do not change.
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
      logger.info({ folder, reason: error.message }, 'compaction aborted');
    }
  }

  private cleanable(): CleanableLog {
    const { files, folder, onCleaning } = this.options;
    return {
      files,
      folder,
      segments: () => (this.closed ? [] : this.segments.list),
      cleanedBefore: this.cleaned,
      lastStableOffset: this.lastStableOffset,
      isLastOfProducer: (header) => this.producers.isLast(header),
      allowGaps: async (before) => {
        if (before <= this.gaps) return;
        this.gaps = before;
        await onCleaning?.();
      },
      replace: (old, compacted) => this.segments.replace(old, compacted),
    };
  }

  /** Removes the state of producers that have appended nothing for `unseenMs`. */
  forgetProducers(unseenMs: number): void {
    this.producers.forgetUnseenSince(this.options.now() - unseenMs);
  }

  /** Syncs if the oldest unsynced write is older than `flush.ms`, or will be in `earlyMs`. */
  async flushIfDue(earlyMs: number): Promise<void> {
    const { flushMs } = this.options.settings();
    const oldest = oldestUnsynced(this.segments.list);
    if (oldest !== undefined && performance.now() - oldest >= flushMs - earlyMs) await this.flush();
  }

  /** Syncs everything that was written before the call. @returns whether there was anything to sync */
  flush(): Promise<boolean> {
    return syncDirty(this.segments.list);
  }

  /** Writes what waits, syncs it and closes the files. */
  async close(): Promise<void> {
    this.closed = true;
    await this.appends.drained();
    await this.flush();
    await this.segments.active.seal();
    await this.segments.writeSnapshot(this.written, this.snapshot());
    await this.abort();
  }

  /** Closes the files without a sync, as if the process had been killed. */
  async abort(): Promise<void> {
    this.closed = true;
    this.closeListeners.call();
    await this.appends.drained();
    // A compaction that failed has been logged by its caller.
    await this.cleaning?.catch(() => undefined);
    await this.segments.close();
    this.listeners.clear();
  }
}
