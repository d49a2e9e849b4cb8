import type pg from 'pg';
import { isInRanges, type TimeRange } from './time-ranges.js';

/** Calculates `ride.provider_quarters` in ranges of time. */
export async function refreshProviderQuarters(
  client: pg.ClientBase,
  ranges: readonly TimeRange[],
): Promise<void> {
  await client.query(
    `WITH parts AS (
       SELECT date_bin('15 minutes', "timestamp", 'epoch') AS quarter, provider_id,
         count(*) AS vehicle_events, 0 AS rider_events, 0 AS trips
       FROM ride.vehicle_events WHERE ${isInRanges('"timestamp"', ranges)} GROUP BY 1, 2
       UNION ALL
       SELECT date_bin('15 minutes', "timestamp", 'epoch'), provider_id, 0, count(*), 0
       FROM ride.rider_events WHERE ${isInRanges('"timestamp"', ranges)} GROUP BY 1, 2
       UNION ALL
       SELECT date_bin('15 minutes', end_time, 'epoch'), provider_id, 0, 0, count(*)
       FROM ride.trips WHERE ${isInRanges('end_time', ranges)} GROUP BY 1, 2
     ), fresh AS MATERIALIZED (
       SELECT quarter, provider_id, sum(vehicle_events)::integer AS vehicle_events,
         sum(rider_events)::integer AS rider_events, sum(trips)::integer AS trips
       FROM parts GROUP BY 1, 2
     ), deleted AS (
       DELETE FROM ride.provider_quarters AS stored
       WHERE ${isInRanges('quarter', ranges)} AND NOT EXISTS (
         SELECT FROM fresh WHERE (fresh.quarter, fresh.provider_id) = (stored.quarter, stored.provider_id))
     )
     INSERT INTO ride.provider_quarters AS stored (quarter, provider_id, vehicle_events, rider_events, trips)
     SELECT * FROM fresh
     ON CONFLICT (quarter, provider_id) DO UPDATE
       SET vehicle_events = excluded.vehicle_events, rider_events = excluded.rider_events, trips = excluded.trips
       WHERE (stored.vehicle_events, stored.rider_events, stored.trips)
         <> (excluded.vehicle_events, excluded.rider_events, excluded.trips)`,
  );
}
