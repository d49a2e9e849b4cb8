import * as path from 'node:path';
import type { CleaningSettings } from '../compaction/log-cleaner.js';
import type { FileSystem } from '../files/file-system.js';
import { segmentName } from '../segment/segment-files.js';
import { Segment, type PlacedBatch } from '../segment/segment.js';
import { MAX_RELATIVE_OFFSET } from '../segment/sparse-index.js';

/** The topic settings of a partition. They are read on each use, so that changes take effect immediately. */
export interface LogSettings extends CleaningSettings {
  readonly segmentMs: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  /** Number of batches after which an append syncs; 1: every append. */
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly deletesOldSegments: boolean;
  /** Whether the log is compacted, which leaves gaps between offsets. */
  readonly compacts: boolean;
}

/** The segments of a log, oldest first. The last one is active: appends go to it. */
export class LogSegments {
  /** Live: retention and compaction change the array. */
  readonly list: Segment[];
  /** Removed from the log, oldest first; their files are yet to be removed. */
  private readonly removed: Segment[] = [];
  private removing: Promise<void> = Promise.resolve();

  constructor(
    private readonly at: {
      readonly files: FileSystem;
      readonly folder: string;
      readonly now: () => number;
    },
    segments: readonly Segment[],
  ) {
    this.list = [...segments];
  }

  get active(): Segment {
    return this.list.at(-1) as Segment;
  }

  /**
   * The active segment, if it has room for a batch and is not too old for it. Undefined also if its age is not known until
   * `loadFirstTimestamp`.
   */
  activeIfFits(batch: PlacedBatch, { segmentBytes, segmentMs }: LogSettings): Segment | undefined {
    const { active } = this;
    if (active.sizeBytes === 0) return active;
    const fits =
      active.sizeBytes + batch.bytes.length <= segmentBytes &&
      batch.lastOffset - active.baseOffset <= MAX_RELATIVE_OFFSET &&
      active.knowsFirstTimestamp &&
      active.ageAt(batch) <= segmentMs;
    return fits ? active : undefined;
  }

  /** Seals the active segment and starts a new one. @param snapshot of the producers at `baseOffset` */
  async roll(baseOffset: bigint, snapshot: Buffer): Promise<Segment> {
    const { files, folder, now } = this.at;
    await this.active.seal();
    // First the snapshot: compaction may remove batches of a sealed segment that producers are known by.
    await this.writeSnapshot(baseOffset, snapshot);
    // Then the segment: after a failure the log continues in the old one, and recovery would truncate at this file.
    const segment = await Segment.open({ files, folder, baseOffset, nowMs: now() });
    this.list.push(segment);
    return segment;
  }

  async writeSnapshot(offset: bigint, snapshot: Buffer): Promise<void> {
    const { files, folder } = this.at;
    await files.replaceFile(path.join(folder, `${segmentName(offset)}.snapshot`), snapshot);
  }

  /** Removes the first segments from the log, and their files. The active segment stays. */
  async removeFirst(count: number): Promise<void> {
    this.removed.push(...this.list.splice(0, Math.min(count, this.list.length - 1)));
    const done = this.removing.then(() => this.removeFiles());
    this.removing = done.catch(() => undefined);
    await done;
  }

  /** Replaces adjacent segments by the result of their compaction. */
  replace(old: readonly Segment[], compacted: Segment): void {
    this.list.splice(this.list.indexOf(old[0] as Segment), old.length, compacted);
  }

  async close(): Promise<void> {
    await this.removing;
    await Promise.all([...this.removed, ...this.list].map((segment) => segment.close()));
  }

  private async removeFiles(): Promise<void> {
    for (let [segment] = this.removed; segment !== undefined; [segment] = this.removed) {
      await segment.remove();
      // An older segment without its successor would be the end of the log at the next start.
      await this.at.files.syncFolder(this.at.folder);
      this.removed.shift();
    }
  }
}
