import type pg from 'pg';
import { quarterOf } from './time-ranges.js';

/** The tables that aggregates are calculated from. */
const SOURCES: ReadonlySet<string> = new Set(['telemetry', 'vehicle_events', 'rider_events', 'trips']);

/** Records that the aggregates of the quarters with the times of rows have to be calculated again, in the transaction of the rows. */
export async function markStale(
  client: pg.ClientBase,
  table: string,
  timesMs: Iterable<number>,
): Promise<void> {
  if (!SOURCES.has(table)) return;
  const quarters = new Set<number>();
  for (const timeMs of timesMs) quarters.add(quarterOf(timeMs));
  if (quarters.size === 0) return;
  await client.query(
    `INSERT INTO ride.stale_quarters
     SELECT 'epoch'::timestamptz + quarter_ms * interval '1 millisecond' FROM unnest($1::bigint[]) AS quarter_ms`,
    [[...quarters]],
  );
}

/**
 * Deletes the marks of the latest quarters, and returns the quarters in milliseconds since 1970. The latest first: what happens now
 * is up to date although events of many earlier days were loaded.
 */
export async function claimQuarters(client: pg.ClientBase, limit: number): Promise<number[]> {
  const { rows } = await client.query<{ quarter_ms: number }>(
    `DELETE FROM ride.stale_quarters WHERE quarter IN (
       SELECT quarter FROM ride.stale_quarters GROUP BY quarter ORDER BY quarter DESC LIMIT $1)
     RETURNING (extract(epoch FROM quarter) * 1000)::float8 AS quarter_ms`,
    [limit],
  );
  return [...new Set(rows.map(({ quarter_ms }) => quarter_ms))];
}

/** Returns the number of quarters that are marked. */
export async function countStale(client: Pick<pg.ClientBase, 'query'>): Promise<number> {
  const { rows } = await client.query<{ quarters: number }>(
    'SELECT count(DISTINCT quarter)::integer AS quarters FROM ride.stale_quarters',
  );
  return rows[0]!.quarters;
}
