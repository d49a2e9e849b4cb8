import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { readMarker, type Marker } from '../../../protocol/markers.js';
import { setBaseOffset, setLogAppendTime, type BatchHeader } from '../../../protocol/record-batch.js';
import type { ProducerStates, Undo } from '../producers/producer-states.js';
import type { PlacedBatch, Segment } from '../segment/segment.js';
import { MAX_RELATIVE_OFFSET } from '../segment/sparse-index.js';
import type { LogSettings } from './log-segments.js';

/** Maximum number of bytes in one write. */
const MAX_WRITE_BYTES = 16 << 20;
const LEADER_EPOCH = 0;

/** Result of an append. */
export interface AppendResult {
  readonly baseOffset: bigint;
  /** -1 if records keep the timestamps of their producer. */
  readonly logAppendTimeMs: bigint;
}

/** A batch that waits to be written. */
export interface PendingAppend {
  readonly placed: PlacedBatch;
  /** Set if the batch belongs to a transaction, or is the marker that ends one. */
  readonly transaction: { readonly producerId: bigint; readonly marker: Marker | undefined } | undefined;
  readonly undo: Undo | undefined;
  readonly result: AppendResult;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch without offsets, and the promise of its append. */
interface NewAppend extends Pick<PendingAppend, 'resolve' | 'reject'> {
  readonly batch: Buffer;
  readonly header: BatchHeader;
  readonly logAppendTimeMs: bigint;
}

/** The log that a queue appends to. */
interface AppendTarget {
  readonly settings: () => LogSettings;
  readonly now: () => number;
  readonly producers: ProducerStates;
  /** Offset after the last written batch. */
  readonly highWatermark: bigint;
  /** The active segment if the batch fits; undefined also if that is not known without a read. */
  activeIfFits(batch: PlacedBatch): Segment | undefined;
  /** The active segment, or a new one if the batch does not fit. */
  segmentFor(batch: PlacedBatch): Promise<Segment>;
  /** Called after a write, before its appends resolve. */
  written(segment: Segment, appends: readonly PendingAppend[]): void;
  /** Called after a failed write; restores the end of the active segment. */
  writeFailed(cause: unknown): Promise<void>;
  onAdvance(listener: () => void): () => void;
}

/**
 * Appends batches to a log in the order of the calls. Appends that arrive during a write are combined into the next one.
 * They resolve once written; with `flush.messages` once synced, by one sync for all of them.
 */
export class AppendQueue {
  private pending: PendingAppend[] = [];
  private draining: Promise<void> | undefined;
  private messagesSinceSync = 0;

  /** @param nextOffset of the next batch, including those that wait to be written */
  constructor(
    private readonly target: AppendTarget,
    private nextOffset: bigint,
  ) {}

  /** See `PartitionLog.append`. */
  append(batch: Buffer, header: BatchHeader): Promise<AppendResult> {
    // Not an async function: every batch is appended here, and each async call costs another promise.
    return new Promise((resolve, reject) => {
      const logAppendTimeMs = this.stamp(batch);
      const duplicate = header.producerId >= 0n ? this.duplicateOf(header) : undefined;
      if (duplicate === undefined) {
        this.add({ batch, header, logAppendTimeMs, resolve, reject });
        return;
      }
      const result = { baseOffset: duplicate.baseOffset, logAppendTimeMs };
      resolve(this.writtenUpTo(duplicate.lastOffset).then(() => result));
    });
  }

  /** @throws ProtocolError if the sequence of the producer does not allow the batch */
  private duplicateOf(header: BatchHeader) {
    const verdict = this.target.producers.check(header);
    return verdict.kind === 'duplicate' ? verdict.batch : undefined;
  }

  /** Assigns offsets to a batch and queues it. */
  private add({ batch, header, logAppendTimeMs, resolve, reject }: NewAppend): void {
    const { producers, now } = this.target;
    const baseOffset = this.nextOffset;
    const lastOffset = baseOffset + (header.lastOffset - header.baseOffset);
    setBaseOffset(batch, baseOffset, LEADER_EPOCH);
    const marker = header.control ? readMarker(batch) : undefined;
    const undo = header.producerId >= 0n ? producers.remember(header, baseOffset, now(), marker) : undefined;
    const transaction = header.transactional ? { producerId: header.producerId, marker } : undefined;
    this.nextOffset = lastOffset + 1n;
    const maxTimestamp = logAppendTimeMs >= 0n ? logAppendTimeMs : header.maxTimestamp;
    const placed = { bytes: batch, baseOffset, lastOffset, maxTimestamp };
    const result = { baseOffset, logAppendTimeMs };
    this.pending.push({ placed, transaction, undo, result, resolve, reject });
    this.draining ??= this.drain();
  }

  /** Changes of producer states by batches that wait to be written, newest first. */
  get pendingUndos(): Undo[] {
    return this.pending.flatMap(({ undo }) => (undo === undefined ? [] : [undo])).toReversed();
  }

  /** Runs work between writes: appends wait for it. Does nothing during a write. */
  async runIfIdle(work: () => Promise<unknown>): Promise<void> {
    if (this.draining !== undefined) return;
    const done = work();
    this.draining = done.then(nothing, nothing).then(() => this.drain());
    await done;
  }

  /** Resolves once no append waits. */
  async drained(): Promise<void> {
    await this.draining;
  }

  private stamp(batch: Buffer): bigint {
    if (this.target.settings().timestampType === 'CreateTime') return -1n;
    const now = BigInt(this.target.now());
    setLogAppendTime(batch, now);
    return now;
  }

  /** Waits for the first copy of a batch that is still being written. */
  private async writtenUpTo(lastOffset: bigint): Promise<void> {
    while (this.target.highWatermark <= lastOffset) {
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
      stop = this.target.onAdvance(() => resolve());
    });
    await Promise.race([advanced, drained]);
    stop();
  }

  private async drain(): Promise<void> {
    while (this.pending.length > 0) {
      let group: PendingAppend[] = [];
      try {
        const { placed } = this.pending[0] as PendingAppend;
        const segment = this.target.activeIfFits(placed) ?? (await this.target.segmentFor(placed));
        group = this.pending.splice(0, this.countForWrite(segment));
        await segment.append(
          group.map((append) => append.placed),
          { sync: this.isSyncDue(group.length), nowMs: this.target.now() },
        );
        this.target.written(segment, group);
        for (const append of group) append.resolve(append.result);
      } catch (error) {
        await this.fail(group, error);
      }
    }
    this.draining = undefined;
  }

  /** Number of waiting batches that go into one write: those that fit the segment, at least one. */
  private countForWrite(segment: Segment): number {
    const room = Math.min(MAX_WRITE_BYTES, this.target.settings().segmentBytes - segment.sizeBytes);
    let bytes = 0;
    let count = 0;
    for (const { placed } of this.pending) {
      if (count > 0 && bytes + placed.bytes.length > room) break;
      if (placed.lastOffset - segment.baseOffset > MAX_RELATIVE_OFFSET) break;
      bytes += placed.bytes.length;
      count++;
    }
    return count;
  }

  /** Counts messages that are about to be written. @returns whether `flush.messages` requires a sync after them */
  private isSyncDue(messages: number): boolean {
    this.messagesSinceSync += messages;
    const due = this.messagesSinceSync >= this.target.settings().flushMessages;
    if (due) this.messagesSinceSync = 0;
    return due;
  }

  /** Rejects all waiting appends and reverts what they changed: the producers retry them. */
  private async fail(group: readonly PendingAppend[], cause: unknown): Promise<void> {
    const failed = [...group, ...this.pending];
    this.pending = [];
    for (const { undo } of failed.toReversed()) if (undo !== undefined) this.target.producers.forget(undo);
    this.nextOffset = this.target.highWatermark;
    await this.target.writeFailed(cause);
    for (const append of failed) {
      append.reject(new ProtocolError(ErrorCode.KAFKA_STORAGE_ERROR, 'write to the log failed', { cause }));
    }
  }
}

function nothing(): void {}
