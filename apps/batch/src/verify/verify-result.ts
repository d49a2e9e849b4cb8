import type { Verdict } from '../positions/verdict.js';
import type { StoredRow } from './stored-rows.postgres.js';
import type { MissingRecord, RecordCounts } from './topic-tally.js';

/** A row without a record in the log. */
export type ExtraRow = StoredRow;

/** Result for one partition of the log. */
export interface PartitionResult extends RecordCounts {
  /** `null` without a position. */
  readonly position: number | null;
  readonly logStart: number;
  readonly logEnd: number;
  readonly verdict: Verdict;
  readonly days: Readonly<Record<string, RecordCounts>>;
}

/** Result for one topic. */
export interface TopicVerification extends RecordCounts {
  /** Rows without a record; `null` if that could not be determined, see `notes`. */
  readonly extra: number | null;
  /** Rows of records at or after the positions. */
  readonly ahead: number;
  /** Batches that cannot be decoded. Each is one record. */
  readonly undecodable: number;
  /** Offsets without a record for batch. */
  readonly skipped: number;
  readonly partitions: Readonly<Record<string, PartitionResult>>;
  /** By event day (UTC). */
  readonly days: Readonly<Record<string, RecordCounts & { readonly extra?: number }>>;
  readonly firstMissing: readonly MissingRecord[];
  readonly firstExtra: readonly ExtraRow[];
  /** Differences other than missing records and extra rows, in sentences. */
  readonly findings: readonly string[];
  /** What was not compared, in sentences. */
  readonly notes: readonly string[];
}

export interface VerifyResult {
  readonly ok: boolean;
  readonly topics: Readonly<Record<string, TopicVerification>>;
  readonly seconds: number;
}

/** Whether log and table agree. */
export function isConsistent({ missing, extra, findings }: TopicVerification): boolean {
  return missing === 0 && (extra ?? 0) === 0 && findings.length === 0;
}
