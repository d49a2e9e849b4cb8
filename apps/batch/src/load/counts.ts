import { LoadError } from './load.errors.js';

/** Results for the offsets that a position passed. `read + skipped + lost` is the number of offsets. */
export interface Counts {
  /** Records that were read: `rows + duplicates + rejects + expired + erased`. */
  readonly read: number;
  /** Rows that were inserted. */
  readonly rows: number;
  /** Records whose event had been loaded before. */
  readonly duplicates: number;
  /** Records that could not be loaded. They are dead-lettered, and listed in `ride.rejects`. */
  readonly rejects: number;
  /** Records whose event is older than `BATCH_RETENTION`. They are not loaded, and not kept as rejects. */
  readonly expired: number;
  /** Records of a rider or a device that was erased. They are not loaded. */
  readonly erased: number;
  /** Offsets without a readable record: transaction markers, aborted and compacted records. */
  readonly skipped: number;
  /** Offsets that the log had deleted before they were loaded. They are listed in `ride.log_gaps`. */
  readonly lost: number;
}

export const NO_COUNTS: Counts = {
  read: 0,
  rows: 0,
  duplicates: 0,
  rejects: 0,
  expired: 0,
  erased: 0,
  skipped: 0,
  lost: 0,
};

export function addCounts(one: Counts, other: Counts): Counts {
  return {
    read: one.read + other.read,
    rows: one.rows + other.rows,
    duplicates: one.duplicates + other.duplicates,
    rejects: one.rejects + other.rejects,
    expired: one.expired + other.expired,
    erased: one.erased + other.erased,
    skipped: one.skipped + other.skipped,
    lost: one.lost + other.lost,
  };
}

/** @throws LoadError `COUNTS_DISAGREE` if records are unaccounted for */
export function requireSum(counts: Counts, what: string): void {
  const { read, rows, duplicates, rejects, expired, erased, skipped, lost } = counts;
  const sum = rows + duplicates + rejects + expired + erased;
  if (sum === read && skipped >= 0 && lost >= 0 && duplicates >= 0) return;
  throw new LoadError(
    'COUNTS_DISAGREE',
    `${what}: ${read} records were read, but ${rows} rows, ${duplicates} duplicates, ${rejects} rejects, ${expired} expired and ` +
      `${erased} erased counted (${skipped} offsets skipped, ${lost} lost): nothing of it is loaded. This is a bug`,
  );
}
