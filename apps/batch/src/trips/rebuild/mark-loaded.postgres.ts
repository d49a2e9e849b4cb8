import type pg from 'pg';
import { inTransaction, type Pool } from '../../database/pool.postgres.js';

const DAY_MS = 86_400_000;

/** A time, in milliseconds; `to` is exclusive. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Marks the trips that have events in a period, of rows that are loaded already: one day in each transaction. The events of
 * these trips in the day before and after it are marked with them. Also marks the trips with events or reports in the period to be
 * compared.
 *
 * @param onMarked called after each day, with the number of trips that were marked
 */
export async function markLoaded(
  pool: Pool,
  period: Partial<Period>,
  {
    signal,
    onMarked,
  }: { readonly signal: AbortSignal; readonly onMarked?: (day: Date, trips: number) => void },
): Promise<number> {
  const loaded = await loadedPeriod(pool);
  if (loaded === null) return 0;
  const [from, to] = [
    Math.max(period.fromMs ?? loaded.fromMs, loaded.fromMs),
    Math.min(period.toMs ?? loaded.toMs, loaded.toMs),
  ];
  let total = 0;
  for (let fromMs = from; fromMs < to && !signal.aborted;) {
    const toMs = Math.min(to, (Math.floor(fromMs / DAY_MS) + 1) * DAY_MS);
    const trips = await inTransaction(pool, (client) => markPeriod(client, { fromMs, toMs }));
    onMarked?.(new Date(fromMs), trips);
    total += trips;
    fromMs = toMs;
  }
  return total;
}

/** Returns the time of the loaded events and reports; `null` without any. */
async function loadedPeriod(pool: Pool): Promise<Period | null> {
  const { rows } = await pool.query<{ from: Date | null; to: Date | null }>(
    `SELECT min(first) AS "from", max(last) AS "to" FROM (
       SELECT min("timestamp") AS first, max("timestamp") AS last FROM ride.vehicle_events
       UNION ALL SELECT min("timestamp"), max("timestamp") FROM ride.rider_events
       UNION ALL SELECT min(end_time), max(end_time) FROM ride.trips
       UNION ALL SELECT min(reported_end_time), max(reported_end_time) FROM ride.compared_trips
     ) AS loaded`,
  );
  const { from, to } = rows[0]!;
  return from === null || to === null ? null : { fromMs: from.getTime(), toMs: to.getTime() + 1 };
}

async function markPeriod(client: pg.ClientBase, { fromMs, toMs }: Period): Promise<number> {
  // One statement for a day of a large fleet takes longer than the statements of a load.
  await client.query('SET LOCAL statement_timeout = 0');
  const { rows } = await client.query<{ trips: number }>(
    `WITH named AS (
       SELECT DISTINCT provider_id, unnest(trip_ids) AS trip_id FROM ride.vehicle_events
       WHERE "timestamp" >= $1 AND "timestamp" < $2
       UNION
       SELECT provider_id, trip_id FROM ride.rider_events WHERE "timestamp" >= $1 AND "timestamp" < $2
     ), events AS (
       SELECT provider_id, unnest(trip_ids) AS trip_id, device_id, "timestamp" FROM ride.vehicle_events
       WHERE "timestamp" >= $1::timestamptz - interval '1 day' AND "timestamp" < $2::timestamptz + interval '1 day'
       UNION ALL
       SELECT provider_id, trip_id, NULL, "timestamp" FROM ride.rider_events
       WHERE "timestamp" >= $1::timestamptz - interval '1 day' AND "timestamp" < $2::timestamptz + interval '1 day'
     ), marked AS (
       INSERT INTO ride.trip_marks (provider_id, trip_id, device_id, from_time, to_time)
       SELECT provider_id, trip_id, device_id, min("timestamp"), max("timestamp")
       FROM events JOIN named USING (provider_id, trip_id) GROUP BY provider_id, trip_id, device_id
     ), reports AS (
       SELECT provider_id, trip_id, end_time FROM ride.trips WHERE end_time >= $1 AND end_time < $2
       UNION
       SELECT provider_id, trip_id, reported_end_time FROM ride.compared_trips
       WHERE reported_end_time >= $1 AND reported_end_time < $2
     ), marked_comparisons AS (
       INSERT INTO ride.comparison_marks (provider_id, trip_id, end_time)
       SELECT provider_id, trip_id, end_time FROM named LEFT JOIN reports USING (provider_id, trip_id)
       UNION
       SELECT provider_id, trip_id, end_time FROM reports
     )
     SELECT count(*)::integer AS trips FROM named`,
    [new Date(fromMs), new Date(toMs)],
  );
  return rows[0]!.trips;
}
