import type pg from 'pg';
import { timeFromMs } from '../../database/milliseconds.js';
import type { EncodedRows } from '../../rows/encode-chunk.js';

/** The table of the trips that providers report. */
const REPORTED = 'trips';

/** Tables with what is compared or the result of it, and the end of the reported trip as an expression of their columns. */
const REPORTED_ENDS: ReadonlyMap<string, string> = new Map([
  [REPORTED, 'end_time'],
  ['rebuilt_trips', 'NULL::timestamptz'],
  ['compared_trips', 'reported_end_time'],
]);

/** Marks the reported trips that were written in the current transaction, to be compared. Rows of other tables mark none. */
export async function markReports(
  client: pg.ClientBase,
  table: string,
  { rows, written }: { readonly rows: EncodedRows; readonly written: readonly number[] },
): Promise<void> {
  if (table !== REPORTED || written.length === 0) return;
  const keys = written.map((row) => rows.keys.at(row));
  await client.query(
    `INSERT INTO ride.comparison_marks (provider_id, trip_id, end_time)
     SELECT provider_id, trip_id, ${timeFromMs('end_ms')}
     FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS trips (provider_id, trip_id, end_ms)`,
    [keys.map(({ providerId }) => providerId), keys.map(({ id }) => id), keys.map(({ timeMs }) => timeMs)],
  );
}

/**
 * Returns a statement that changes rows of a table as the given one does, and marks their trips to be compared again if the
 * comparison depends on the table. The given statement has no RETURNING. The number of rows is the same.
 */
export function markingComparisons(table: string, statement: string): string {
  const end = REPORTED_ENDS.get(table);
  if (end === undefined) return statement;
  return `WITH changed AS (${statement} RETURNING provider_id, trip_id, ${end} AS end_time)
    INSERT INTO ride.comparison_marks (provider_id, trip_id, end_time) SELECT provider_id, trip_id, end_time FROM changed`;
}

/** Marks the trips of all rows of a partition, which is about to be dropped, to be compared again. */
export async function markPartition(client: pg.ClientBase, table: string, partition: string): Promise<void> {
  const end = REPORTED_ENDS.get(table);
  if (end === undefined) return;
  await client.query(
    `INSERT INTO ride.comparison_marks (provider_id, trip_id, end_time)
     SELECT provider_id, trip_id, ${end} FROM ride."${partition}"`,
  );
}
