import * as path from 'node:path';
import type { Logger } from 'pino';
import type { FileSystem } from '../files/file-system.js';
import { readMarker, type Marker } from '../../../protocol/markers.js';
import type { BatchHeader } from '../../../protocol/record-batch.js';
import type { OpenTransactions } from '../producers/open-transactions.js';
import { ProducerStates } from '../producers/producer-states.js';
import { finishSwaps } from '../segment/segment-swap.js';
import { LOG_FILE, SEGMENT_FILE, segmentName, UNFINISHED_FILE } from '../segment/segment-files.js';
import { Segment } from '../segment/segment.js';
import { indexOfSegment } from '../segment/segment-list.js';

/**
 * Bytes at the end of a log that are checked even after a clean shutdown, which syncs everything: a file that was cut or
 * replaced meanwhile is detected, and a log with many partitions starts fast.
 */
const CHECKED_TAIL_BYTES = 1 << 20;

const SEGMENT_NAME_LENGTH = 20;

/** What the checkpoints say of a log. */
export interface RecoveryOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** Offset before which everything is synced. */
  readonly recoveryPoint: bigint;
  /** Whether the last shutdown was clean: then only the end is checked. */
  readonly closedCleanly: boolean;
  /** Start of a log without files, unless `recoveryPoint` is higher. */
  readonly logStartOffset: bigint;
  /** Called if the log was truncated. */
  readonly onCut?: () => void;
  /** Offset before which compaction may have left gaps. */
  readonly gapsBefore: bigint;
}

/**
 * Opens the segments of a log, checks what a crash may have damaged, truncates the log at the first invalid byte, and
 * restores the states of producers and transactions.
 */
export async function recoverSegments(
  options: RecoveryOptions,
  { producers, open }: { producers: ProducerStates; open: OpenTransactions },
): Promise<{ segments: Segment[]; endOffset: bigint }> {
  const { files, folder, now } = options;
  const names = await finishSwaps(files, folder);
  const bases = names
    .filter((name) => LOG_FILE.test(name))
    .map((name) => BigInt(name.slice(0, 20)))
    .sort((a, b) => (a < b ? -1 : 1));
  const segments: Segment[] = [];
  for (const baseOffset of bases.length > 0 ? bases : [firstOffset(options)]) {
    segments.push(await Segment.open({ files, folder, baseOffset, nowMs: now() }));
  }
  const recovery = new Recovery(options, segments, producers, open);
  await recovery.checkSegments(names);
  await recovery.removeLeftovers(names);
  return { segments, endOffset: recovery.endOffset };
}

/** A log without files must not reuse offsets that consumers have read. */
function firstOffset({ logStartOffset, recoveryPoint }: RecoveryOptions): bigint {
  return recoveryPoint > logStartOffset ? recoveryPoint : logStartOffset;
}

class Recovery {
  endOffset = 0n;
  /** Index of the first segment that is not covered by the restored producer states. */
  private rememberedFrom = 0;

  constructor(
    private readonly options: RecoveryOptions,
    private readonly segments: Segment[],
    private readonly producers: ProducerStates,
    private readonly open: OpenTransactions,
  ) {}

  /** Checks the segments, and determines the end of the log and the producer states. */
  async checkSegments(names: readonly string[]): Promise<void> {
    const last = this.segments.length - 1;
    this.rememberedFrom = await this.restoreProducers(names, last);
    const firstUnsafe = indexOfSegment(this.segments, this.options.recoveryPoint);
    const trusted = await this.trustSegments(Math.min(firstUnsafe, this.rememberedFrom));
    const firstChecked = await this.restoreTransactions(names, trusted);
    if (firstChecked === last && (await this.trustActive(names))) return;
    await this.check(firstChecked, names);
  }

  /** Trusts the segments before `end` with consistent indexes. @returns index of the first that must be checked */
  private async trustSegments(end: number): Promise<number> {
    for (let i = 0; i < end; i++) if (!(await (this.segments[i] as Segment).trust())) return i;
    return end;
  }

  /**
   * Restores the transactions that were open at the start of a segment, the last one with a snapshot up to `lastIndex`.
   *
   * @returns index of the segment
   */
  private async restoreTransactions(names: readonly string[], lastIndex: number): Promise<number> {
    const atStart = new ProducerStates();
    const index = await this.restoreSnapshot(names, lastIndex, atStart);
    this.open.restore(atStart.open());
    return index;
  }

  /** Trusts the active segment after a clean shutdown, if its end is valid. */
  private async trustActive(names: readonly string[]): Promise<boolean> {
    const { files, folder, closedCleanly } = this.options;
    const active = this.segments.at(-1) as Segment;
    if (!closedCleanly || !(await active.trust())) return false;
    const end = await active.checkTail(CHECKED_TAIL_BYTES);
    if (end === undefined) return false;
    const name = `${segmentName(end)}.snapshot`;
    const snapshot = names.includes(name) ? await files.readFile(path.join(folder, name)) : undefined;
    if (snapshot === undefined || !this.producers.restore(snapshot)) return false;
    this.open.restore(this.producers.open());
    this.endOffset = end;
    return true;
  }

  private mayHaveGaps(segment: Segment): boolean {
    return segment.baseOffset < this.options.gapsBefore;
  }

  /** Removes unfinished files, and snapshots that do not belong to a segment. */
  async removeLeftovers(names: readonly string[]): Promise<void> {
    const { files, folder } = this.options;
    const segmentNames = new Set(this.segments.map(({ baseOffset }) => segmentName(baseOffset)));
    for (const name of names) {
      const isOfNoSegment = SEGMENT_FILE.test(name) && !segmentNames.has(name.slice(0, SEGMENT_NAME_LENGTH));
      if (isOfNoSegment || UNFINISHED_FILE.test(name)) await files.remove(path.join(folder, name));
    }
  }

  /**
   * Restores the producer states at the start of the last segment with a snapshot: compaction and retention may have
   * removed the batches that they are derived from.
   *
   * @returns index of the segment from which on batches are to be added
   */
  private async restoreProducers(names: readonly string[], lastIndex: number): Promise<number> {
    this.producers.clear();
    return this.restoreSnapshot(names, lastIndex, this.producers);
  }

  /** @returns index of the segment that the states belong to, 0 without a snapshot */
  private async restoreSnapshot(
    names: readonly string[],
    lastIndex: number,
    into: ProducerStates,
  ): Promise<number> {
    const { files, folder } = this.options;
    for (let i = lastIndex; i >= 0; i--) {
      const name = `${segmentName((this.segments[i] as Segment).baseOffset)}.snapshot`;
      if (!names.includes(name)) continue;
      const snapshot = await files.readFile(path.join(folder, name));
      if (snapshot !== undefined && into.restore(snapshot)) return i;
    }
    return 0;
  }

  /** Checks every batch from a segment on, and truncates the log at the first invalid one. */
  private async check(firstChecked: number, names: readonly string[]): Promise<void> {
    for (let i = firstChecked; i < this.segments.length; i++) {
      const segment = this.segments[i] as Segment;
      if (i > this.rememberedFrom && i === this.segments.length - 1) await this.saveProducers(segment);
      const { damagedAt, nextOffset } = await segment.scan(this.mayHaveGaps(segment), (header, marker) => {
        this.follow(segment, header, marker);
        if (i >= this.rememberedFrom) this.remember(header, marker);
      });
      this.endOffset = nextOffset;
      const following = this.segments[i + 1];
      const whole =
        following === undefined || this.mayHaveGaps(segment) || following.baseOffset === nextOffset;
      if (damagedAt === undefined && whole) continue;
      await this.truncateAfter(i, damagedAt ?? segment.sizeBytes, names);
      return;
    }
  }

  /** Writes the missing snapshot of the active segment: compaction may remove the batches before it. */
  private async saveProducers({ baseOffset }: Segment): Promise<void> {
    const { files, folder } = this.options;
    await files.replaceFile(
      path.join(folder, `${segmentName(baseOffset)}.snapshot`),
      this.producers.snapshot(),
    );
  }

  private remember(header: BatchHeader, marker: Marker | undefined): void {
    if (header.producerId < 0n) return;
    this.producers.remember(header, header.baseOffset, this.options.now(), marker);
  }

  /** Updates the open transactions and the transaction index. */
  private follow(segment: Segment, header: BatchHeader, marker: Marker | undefined): void {
    const aborted = header.transactional ? this.open.note(header, marker) : undefined;
    if (aborted !== undefined) segment.transactionIndex.append(aborted);
  }

  private async truncateAfter(index: number, damagedAt: number, names: readonly string[]): Promise<void> {
    const segment = this.segments[index] as Segment;
    const dropped = this.segments.splice(index + 1);
    this.options.onCut?.();
    this.options.logger.warn(
      {
        folder: this.options.folder,
        segment: segmentName(segment.baseOffset),
        position: damagedAt,
        segmentsDropped: dropped.length,
      },
      'log truncated at the first invalid byte',
    );
    for (const later of dropped) await later.remove();
    // Removed segments must not reappear after later appends.
    await this.options.files.syncFolder(this.options.folder);
    await segment.trim();
    await segment.sync();
    if (index >= this.rememberedFrom) return;
    // The restored states include batches that were truncated.
    for (let i = await this.restoreProducers(names, index); i <= index; i++) {
      const remaining = this.segments[i] as Segment;
      for await (const { header, position } of remaining.reader.headersFrom(remaining.baseOffset)) {
        const batch = header.control ? await remaining.reader.batchAt(header, position) : undefined;
        this.remember(header, batch && readMarker(batch));
      }
    }
  }
}
