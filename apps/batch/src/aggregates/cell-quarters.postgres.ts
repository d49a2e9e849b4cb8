import type pg from 'pg';
import { hourOf, isInRanges, type TimeRange } from './time-ranges.js';

/** How long a vehicle counts as in the cell of a position, if it sends no other one. */
const MAX_STAY = `interval '2 minutes'`;
/** Speed from which a vehicle counts as moving, in metres per second. */
const MOVING_SPEED = 1;

/** Calculates `ride.cell_quarters` in ranges of time, of which the state periods are calculated. */
export async function refreshCellQuarters(
  client: pg.ClientBase,
  ranges: readonly TimeRange[],
): Promise<void> {
  await client.query(
    `WITH ${visitQueries(ranges)}, parts AS (
       SELECT quarter, provider_id, h3_cell, sum(positions) AS positions, count(*) AS vehicles, 0 AS available_vehicles,
         0 AS available_ms, sum(speed_count) AS speed_count, sum(speed_sum) AS speed_sum,
         sum(moving_count) AS moving_count, sum(moving_speed_sum) AS moving_speed_sum,
         0 AS requests, 0 AS pick_ups, 0 AS drop_offs
       FROM visits GROUP BY 1, 2, 3
       UNION ALL
       -- A semijoin: as a subquery of the SELECT list, it would be executed for each visit.
       SELECT quarter, provider_id, h3_cell, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0, 0
       FROM visits
       WHERE EXISTS (
         SELECT FROM available
         WHERE available.provider_id = visits.provider_id AND available.device_id = visits.device_id
           AND available.hour = visits.hour AND starts_at <= last_at AND ends_at > first_at)
       GROUP BY 1, 2, 3
       UNION ALL
       SELECT quarter, provider_id, h3_cell, 0, 0, 0,
         sum(extract(epoch FROM least(until, ends_at) - greatest("timestamp", starts_at)) * 1000),
         0, 0, 0, 0, 0, 0, 0
       FROM points JOIN available USING (provider_id, device_id, hour)
       WHERE starts_at < until AND ends_at > "timestamp" GROUP BY 1, 2, 3
       UNION ALL
       SELECT date_bin('15 minutes', "timestamp", 'epoch'), provider_id, h3_cell, 0, 0, 0, 0, 0, 0, 0, 0, count(*), 0, 0
       FROM ride.rider_events WHERE event_type = 'ride_request' AND ${isInRanges('"timestamp"', ranges)} GROUP BY 1, 2, 3
       UNION ALL
       SELECT date_bin('15 minutes', "timestamp", 'epoch'), provider_id, h3_cell, 0, 0, 0, 0, 0, 0, 0, 0, 0,
         count(*) FILTER (WHERE 'trip_start' = ANY (event_types)), count(*) FILTER (WHERE 'trip_end' = ANY (event_types))
       FROM ride.vehicle_events WHERE event_types && ARRAY['trip_start', 'trip_end'] AND ${isInRanges('"timestamp"', ranges)}
       GROUP BY 1, 2, 3
     ), fresh AS MATERIALIZED (
       SELECT quarter, provider_id, h3_cell, sum(positions)::integer AS positions, sum(vehicles)::integer AS vehicles,
         sum(available_vehicles)::integer AS available_vehicles, sum(available_ms)::float8 / 1000 AS available_seconds,
         sum(speed_count)::integer AS speed_count, coalesce(sum(speed_sum), 0)::float8 / 1000 AS speed_sum,
         sum(moving_count)::integer AS moving_count, coalesce(sum(moving_speed_sum), 0)::float8 / 1000 AS moving_speed_sum,
         sum(requests)::integer AS requests, sum(pick_ups)::integer AS pick_ups, sum(drop_offs)::integer AS drop_offs
       FROM parts GROUP BY 1, 2, 3
     ), deleted AS (
       DELETE FROM ride.cell_quarters AS stored
       WHERE ${isInRanges('quarter', ranges)} AND NOT EXISTS (
         SELECT FROM fresh
         WHERE (fresh.quarter, fresh.provider_id, fresh.h3_cell) = (stored.quarter, stored.provider_id, stored.h3_cell))
     )
     INSERT INTO ride.cell_quarters AS stored
       (quarter, provider_id, h3_cell, ${CELL_VALUES.join(', ')})
     SELECT quarter, provider_id, h3_cell, ${CELL_VALUES.join(', ')} FROM fresh
     ON CONFLICT (quarter, provider_id, h3_cell) DO UPDATE SET ${assignments(CELL_VALUES)}
       WHERE (${columnsOf('stored', CELL_VALUES)}) <> (${columnsOf('excluded', CELL_VALUES)})`,
  );
}

/** Queries up to `points` with the time until the next one, the `visits` of cells, and when vehicles were `available`. */
function visitQueries(ranges: readonly TimeRange[]): string {
  const hours = ranges.map(({ fromMs, toMs }) => ({ fromMs: hourOf(fromMs), toMs }));
  return `points AS MATERIALIZED (
       SELECT quarter, provider_id, device_id, h3_cell, "timestamp", speed,
         date_bin('1 hour', quarter, 'epoch') AS hour,
         least(lead("timestamp") OVER (PARTITION BY quarter, provider_id, device_id ORDER BY "timestamp", h3_cell),
           "timestamp" + ${MAX_STAY}, quarter + interval '15 minutes') AS until
       FROM ride.telemetry, date_bin('15 minutes', "timestamp", 'epoch') AS quarter
       WHERE ${isInRanges('"timestamp"', ranges)}
     ), visits AS MATERIALIZED (
       SELECT quarter, hour, provider_id, device_id, h3_cell, min("timestamp") AS first_at, max("timestamp") AS last_at,
         count(*) AS positions, count(speed) AS speed_count, sum(round(speed * 1000)::bigint) AS speed_sum,
         count(*) FILTER (WHERE speed >= ${MOVING_SPEED}) AS moving_count,
         sum(round(speed * 1000)::bigint) FILTER (WHERE speed >= ${MOVING_SPEED}) AS moving_speed_sum
       FROM points GROUP BY 1, 2, 3, 4, 5
     ), available AS MATERIALIZED (
       SELECT provider_id, device_id, hour, starts_at, ends_at FROM ride.state_periods
       WHERE vehicle_state = 'available' AND starts_at < ends_at AND ${isInRanges('hour', hours)}
     )`;
}

const CELL_VALUES = [
  'positions',
  'vehicles',
  'available_vehicles',
  'available_seconds',
  'speed_count',
  'speed_sum',
  'moving_count',
  'moving_speed_sum',
  'requests',
  'pick_ups',
  'drop_offs',
];

function assignments(columns: readonly string[]): string {
  return columns.map((column) => `${column} = excluded.${column}`).join(', ');
}

function columnsOf(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}
