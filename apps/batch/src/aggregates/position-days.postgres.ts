import type pg from 'pg';
import { isInDays, isInRanges, type TimeRange } from './time-ranges.js';

/** A silence before the first position of a quarter: the definition of analysis.data_quality. */
const IS_SILENCE = `first_at - previous_at > interval '15 minutes' AND first_at - previous_at <= interval '24 hours'`;
const SUMS = ['positions', 'received', 'late_1m', 'late_10m', 'late_1h', 'late_1d'];
const VALUES = [
  ...SUMS,
  'lateness_seconds',
  'max_lateness_seconds',
  'vehicles',
  'silences',
  'silence_seconds',
];

/** Calculates `ride.position_days` in ranges of whole days, of which `ride.vehicle_quarters` may have changed. */
export async function refreshPositionDays(client: pg.ClientBase, days: readonly TimeRange[]): Promise<void> {
  await client.query(
    `WITH by_vehicle AS (
       -- Grouped by vehicle first: to count distinct vehicles, all quarters of a day would be sorted.
       SELECT (quarter AT TIME ZONE 'UTC')::date AS day, provider_id, device_id,
         ${SUMS.map((column) => `sum(${column}) AS ${column}`).join(', ')},
         sum(lateness_seconds) AS lateness_seconds, max(max_lateness_seconds) AS max_lateness_seconds,
         count(*) FILTER (WHERE ${IS_SILENCE}) AS silences,
         coalesce(sum(date_part('epoch', first_at - previous_at)) FILTER (WHERE ${IS_SILENCE}), 0) AS silence_seconds
       FROM ride.vehicle_quarters WHERE ${isInRanges('quarter', days)} GROUP BY 1, 2, 3
     ), fresh AS MATERIALIZED (
       SELECT day, provider_id, ${SUMS.map((column) => `sum(${column})::bigint AS ${column}`).join(', ')},
         sum(lateness_seconds) AS lateness_seconds, max(max_lateness_seconds) AS max_lateness_seconds,
         count(*)::integer AS vehicles, sum(silences)::integer AS silences, sum(silence_seconds) AS silence_seconds
       FROM by_vehicle GROUP BY 1, 2
     ), deleted AS (
       DELETE FROM ride.position_days AS stored
       WHERE ${isInDays('day', days)} AND NOT EXISTS (
         SELECT FROM fresh WHERE (fresh.day, fresh.provider_id) = (stored.day, stored.provider_id))
     )
     INSERT INTO ride.position_days AS stored (day, provider_id, ${VALUES.join(', ')})
     SELECT day, provider_id, ${VALUES.join(', ')} FROM fresh
     ON CONFLICT (day, provider_id) DO UPDATE SET ${VALUES.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE (${VALUES.map((column) => `stored.${column}`).join(', ')})
         IS DISTINCT FROM (${VALUES.map((column) => `excluded.${column}`).join(', ')})`,
  );
}
