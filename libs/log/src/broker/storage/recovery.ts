import * as path from 'node:path';
import type { Logger } from 'pino';
import type { BatchHeader } from '../protocol/record-batch.js';
import type { FileSystem } from './file-system.js';
import type { ProducerStates } from './producer-states.js';
import { Segment, segmentName } from './segment.js';

/** Bytes at the end of a log that are checked at start even where it was closed in good order. */
const CHECKED_TAIL_BYTES = 16 << 20;

const SEGMENT_NAME_LENGTH = 20;
const SEGMENT_FILE = /^\d{20}\./;
const UNFINISHED_FILE = /\.(tmp|cleaned)$/;

/** What is known of a log before its files are looked at. */
export interface RecoveryOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** Everything before it is known to be on disk, whole. */
  readonly recoveryPoint: bigint;
  /** Whether the log was closed in good order: then the end alone is checked. */
  readonly closedCleanly: boolean;
  /** Where the log starts, if it has no files. */
  readonly logStartOffset: bigint;
  /** Compaction has been before it. */
  readonly cleanedBefore: bigint;
}

/**
 * Opens the segments of a log, checks what a crash may have damaged, cuts the log at the first bad byte, and fills in
 * what is known of its producers.
 */
export async function recoverSegments(
  options: RecoveryOptions,
  producers: ProducerStates,
): Promise<{ segments: Segment[]; endOffset: bigint }> {
  const { files, folder, now, logStartOffset } = options;
  const names = await files.list(folder);
  const bases = names
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => BigInt(name.slice(0, 20)))
    .sort((a, b) => (a < b ? -1 : 1));
  const segments: Segment[] = [];
  for (const baseOffset of bases.length > 0 ? bases : [logStartOffset]) {
    segments.push(await Segment.open({ files, folder, baseOffset, nowMs: now() }));
  }
  const recovery = new Recovery(options, segments, producers);
  await recovery.checkSegments(names);
  await recovery.removeLeftovers(names);
  return { segments, endOffset: recovery.endOffset };
}

/** Index of the segment that holds an offset, in segments by their base offsets. */
export function indexOfSegment(segments: readonly Segment[], offset: bigint): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle] as Segment).baseOffset > offset) high = middle;
    else low = middle + 1;
  }
  return Math.max(low - 1, 0);
}

class Recovery {
  endOffset = 0n;
  /** Index of the segment from which on batches are not in the producers' restored state. */
  private rememberedFrom = 0;

  constructor(
    private readonly options: RecoveryOptions,
    private readonly segments: Segment[],
    private readonly producers: ProducerStates,
  ) {}

  /** Settles which segments are whole, where the log ends, and what is known of producers. */
  async checkSegments(names: readonly string[]): Promise<void> {
    this.rememberedFrom = await this.restoreProducers(names, this.segments.length - 1);
    const firstUnsafe = indexOfSegment(this.segments, this.options.recoveryPoint);
    const firstChecked = Math.min(firstUnsafe, this.rememberedFrom);
    for (let i = 0; i < firstChecked; i++) {
      const segment = this.segments[i] as Segment;
      if (await segment.trust()) continue;
      const { damagedAt, nextOffset } = await segment.scan(this.mayHaveGaps(segment), () => undefined);
      if (damagedAt === undefined) continue;
      this.endOffset = nextOffset;
      await this.cutAfter(i, damagedAt, names);
      return;
    }
    if (firstChecked === this.segments.length - 1 && (await this.takeClosed(names))) return;
    await this.check(firstChecked, names);
  }

  /** Takes the active segment of a log that was closed in good order, where its end is as it should be. */
  private async takeClosed(names: readonly string[]): Promise<boolean> {
    const { files, folder, closedCleanly } = this.options;
    const active = this.segments.at(-1) as Segment;
    if (!closedCleanly || !(await active.trust())) return false;
    const end = await active.checkTail(CHECKED_TAIL_BYTES);
    if (end === undefined) return false;
    const name = `${segmentName(end)}.snapshot`;
    const snapshot = names.includes(name) ? await files.readFile(path.join(folder, name)) : undefined;
    if (snapshot === undefined || !this.producers.restore(snapshot)) return false;
    this.endOffset = end;
    return true;
  }

  private mayHaveGaps(segment: Segment): boolean {
    return segment.baseOffset < this.options.cleanedBefore;
  }

  /** Removes what a crash left unfinished, and snapshots that are not of the start of a segment. */
  async removeLeftovers(names: readonly string[]): Promise<void> {
    const { files, folder } = this.options;
    const kept = new Set(this.segments.map(({ baseOffset }) => segmentName(baseOffset)));
    for (const name of names) {
      const isOfNoSegment = SEGMENT_FILE.test(name) && !kept.has(name.slice(0, SEGMENT_NAME_LENGTH));
      if (isOfNoSegment || UNFINISHED_FILE.test(name)) await files.remove(path.join(folder, name));
    }
  }

  /**
   * Restores what was known of producers at the start of a segment, the last possible: compaction and retention may
   * have removed the batches that it comes from.
   *
   * @returns index of the segment from which on batches are to be remembered
   */
  private async restoreProducers(names: readonly string[], lastIndex: number): Promise<number> {
    const { files, folder } = this.options;
    this.producers.clear();
    for (let i = lastIndex; i >= 0; i--) {
      const name = `${segmentName((this.segments[i] as Segment).baseOffset)}.snapshot`;
      if (!names.includes(name)) continue;
      const snapshot = await files.readFile(path.join(folder, name));
      if (snapshot !== undefined && this.producers.restore(snapshot)) return i;
    }
    return 0;
  }

  /** Checks every batch from a segment on, and cuts the log at the first that is bad. */
  private async check(firstChecked: number, names: readonly string[]): Promise<void> {
    for (let i = firstChecked; i < this.segments.length; i++) {
      const segment = this.segments[i] as Segment;
      const { damagedAt, nextOffset } = await segment.scan(this.mayHaveGaps(segment), (header) => {
        if (i >= this.rememberedFrom) this.remember(header);
      });
      this.endOffset = nextOffset;
      const following = this.segments[i + 1];
      const whole =
        following === undefined || this.mayHaveGaps(segment) || following.baseOffset === nextOffset;
      if (damagedAt === undefined && whole) continue;
      await this.cutAfter(i, damagedAt ?? segment.sizeBytes, names);
      return;
    }
  }

  private remember(header: BatchHeader): void {
    if (header.producerId >= 0n) this.producers.remember(header, header.baseOffset, this.options.now());
  }

  private async cutAfter(index: number, damagedAt: number, names: readonly string[]): Promise<void> {
    const segment = this.segments[index] as Segment;
    const dropped = this.segments.splice(index + 1);
    this.options.logger.warn(
      {
        folder: this.options.folder,
        segment: segmentName(segment.baseOffset),
        position: damagedAt,
        segmentsDropped: dropped.length,
      },
      'log cut at its first bad byte',
    );
    for (const later of dropped) await later.remove();
    // What is cut off must not come back behind what is appended from now on.
    await this.options.files.syncFolder(this.options.folder);
    await segment.trim();
    await segment.sync();
    if (index >= this.rememberedFrom) return;
    // What was restored knows of batches that are gone.
    for (let i = await this.restoreProducers(names, index); i <= index; i++) {
      const { baseOffset } = this.segments[i] as Segment;
      for await (const { header } of (this.segments[i] as Segment).headersFrom(baseOffset))
        this.remember(header);
    }
  }
}
