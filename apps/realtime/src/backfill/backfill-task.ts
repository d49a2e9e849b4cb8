import type { LogConnection } from '@hailstream/log';
import type { ProviderLimits } from '../limits/provider-limits.js';
import type { KeyframeHeader } from '../archive/keyframe.js';

/** The part of the log that a worker thread reads, and the folder to which it writes the keyframes. */
export interface BackfillTask {
  /** Folder of the keyframes. Those that are in it are continued if they can be. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly clusterId: string;
  /** The receipt from which the log is read. */
  readonly since: number;
  /** Keyframes that begin at or after this receipt are not continued: they have nothing new. */
  readonly knownSince: number;
  /** The positions up to which the log is read. */
  readonly topics: KeyframeHeader['topics'];
  /** Share of a core that is used at most. */
  readonly share: number;
}

/** The data of the thread. */
export interface BackfillWorkerData {
  readonly connection: LogConnection;
  readonly logLevel: string;
  readonly vehicles: ProviderLimits;
  readonly task: BackfillTask;
}

export type FromBackfill =
  /** `share`: from 0 to 1, of the records. */
  | { readonly kind: 'progress'; readonly share: number }
  /** `unreadable`: the number of records that could not be read. */
  | { readonly kind: 'done'; readonly unreadable: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The log has deleted records before they were read: what was read is not continued. */
export class BackfillGapError extends Error {
  override readonly name = 'BackfillGapError';
  readonly code = 'BACKFILL_GAP';
  readonly retryable = true;
}
