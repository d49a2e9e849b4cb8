import type { CleaningSettings } from '../compaction/log-cleaner.js';

/** What a topic's settings mean to one of its partitions; asked for anew on each use, so that changes hold at once. */
export interface LogSettings extends CleaningSettings {
  readonly segmentMs: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  /** Batches after which an append waits for the disk; 1 makes every append wait. */
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly deletesOldSegments: boolean;
  /** Whether older records of a key may be removed, which leaves gaps between offsets. */
  readonly compacts: boolean;
}
