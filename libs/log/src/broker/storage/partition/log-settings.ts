import type { CleaningSettings } from '../compaction/log-cleaner.js';

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
