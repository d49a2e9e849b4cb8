import type pg from 'pg';
import { isInRanges, type TimeRange } from './time-ranges.js';

/** Starts of hours and quarters, in milliseconds since 1970. */
interface ChangedRequests {
  /** Hours of the first request of the rides that have changed. */
  readonly hours: readonly number[];
  /** Quarters of the first request of the rides that have no pick-up, or had none before, and have changed. */
  readonly unmetQuarters: readonly number[];
}

/**
 * Merges the events and trips in ranges of time into `ride.ride_outcomes`. Each column is the earliest or latest of all events
 * of the trip: merging the same events again, or in another order, has the same result. Returns the times of the requests
 * that have changed.
 */
export async function refreshRideOutcomes(
  client: pg.ClientBase,
  ranges: readonly TimeRange[],
): Promise<ChangedRequests> {
  const { rows } = await client.query<{ start_ms: number; unmet: boolean }>(
    `WITH vehicle AS (
       SELECT provider_id, trip_id, "timestamp" AS at, event_types AS types, device_id
       FROM ride.vehicle_events, unnest(trip_ids) AS trip_id
       WHERE ${isInRanges('"timestamp"', ranges)} AND event_types && ARRAY['reservation_start', 'trip_start', 'trip_end',
         'passenger_cancellation', 'driver_cancellation', 'provider_cancellation']
     ), parts AS (
       SELECT provider_id, trip_id, ARRAY[event_type] AS types, "timestamp" AS at, h3_cell, NULL::uuid AS device_id,
         CASE event_type WHEN 'ride_cancel' THEN 'rider' END AS cancelled_by
       FROM ride.rider_events
       WHERE event_type IN ('ride_request', 'ride_cancel') AND ${isInRanges('"timestamp"', ranges)}
       UNION ALL
       SELECT provider_id, trip_id, types, at, NULL, device_id,
         CASE WHEN 'passenger_cancellation' = ANY (types) THEN 'rider' WHEN 'driver_cancellation' = ANY (types) THEN 'driver'
           WHEN 'provider_cancellation' = ANY (types) THEN 'provider' END
       FROM vehicle
     ), from_events AS (
       SELECT provider_id, trip_id,
         min(at) FILTER (WHERE types @> '{ride_request}') AS requested_at,
         (array_agg(h3_cell ORDER BY at, h3_cell) FILTER (WHERE types @> '{ride_request}'))[1] AS h3_cell,
         max(at) FILTER (WHERE types @> '{reservation_start}') AS assigned_at,
         min(at) FILTER (WHERE types @> '{trip_start}') AS picked_up_at,
         (array_agg(device_id ORDER BY at, device_id) FILTER (WHERE types @> '{trip_start}'))[1] AS device_id,
         max(at) FILTER (WHERE types @> '{trip_end}') AS ended_at,
         max(at) FILTER (WHERE cancelled_by IS NOT NULL) AS cancelled_at,
         (array_agg(cancelled_by ORDER BY at DESC, cancelled_by DESC) FILTER (WHERE cancelled_by IS NOT NULL))[1] AS cancelled_by
       FROM parts GROUP BY 1, 2
     ), from_trips AS (
       SELECT DISTINCT ON (provider_id, trip_id) provider_id, trip_id, start_time AS reported_start_at,
         end_time AS reported_end_at, trips.device_id AS reported_device_id, duration, distance, actual_cost, currency
       FROM ride.trips WHERE ${isInRanges('end_time', ranges)} ORDER BY provider_id, trip_id, end_time
     ), written AS (
       INSERT INTO ride.ride_outcomes AS stored (${COLUMNS.join(', ')})
       SELECT ${COLUMNS.join(', ')} FROM from_events FULL JOIN from_trips USING (provider_id, trip_id)
       ON CONFLICT (provider_id, trip_id) DO UPDATE SET ${MERGED.map(([column, value]) => `${column} = ${value}`).join(', ')}
         WHERE (${VALUES.map((column) => `stored.${column}`).join(', ')})
           IS DISTINCT FROM (${MERGED.map(([, value]) => value).join(', ')})
       RETURNING provider_id, trip_id, requested_at, ${UNMET.replaceAll('rides.', 'stored.')}
     ), earlier AS (
       -- The rows as they were before the statement.
       SELECT provider_id, trip_id, rides.requested_at, ${UNMET}
       FROM ride.ride_outcomes AS rides JOIN written AS changed USING (provider_id, trip_id)
     )
     SELECT DISTINCT (extract(epoch FROM date_bin('1 hour', requested_at, 'epoch')) * 1000)::float8 AS start_ms, false AS unmet
     FROM (SELECT requested_at FROM written UNION ALL SELECT requested_at FROM earlier) AS requests
     WHERE requested_at IS NOT NULL
     UNION ALL
     SELECT DISTINCT (extract(epoch FROM quarter) * 1000)::float8, true
     FROM written LEFT JOIN earlier USING (provider_id, trip_id)
     CROSS JOIN LATERAL (VALUES (written.unmet_quarter), (earlier.unmet_quarter)) AS changed (quarter)
     WHERE quarter IS NOT NULL
       AND (written.unmet_quarter, written.unmet_cell) IS DISTINCT FROM (earlier.unmet_quarter, earlier.unmet_cell)`,
  );
  const startsOf = (isUnmet: boolean): number[] =>
    rows.filter(({ unmet }) => unmet === isUnmet).map(({ start_ms }) => start_ms);
  return { hours: startsOf(false), unmetQuarters: startsOf(true) };
}

const IS_UNMET = 'rides.picked_up_at IS NULL AND rides.reported_start_at IS NULL';
/** Quarter and cell of the first request of a ride without a pick-up; NULL of others. */
const UNMET = `CASE WHEN ${IS_UNMET} THEN date_bin('15 minutes', rides.requested_at, 'epoch') END AS unmet_quarter,
  CASE WHEN ${IS_UNMET} THEN rides.h3_cell END AS unmet_cell`;

const REPORTED = [
  'reported_start_at',
  'reported_end_at',
  'reported_device_id',
  'duration',
  'distance',
  'actual_cost',
  'currency',
];

/** The new value of each column if the trip is stored already. The first report of a trip counts. */
const MERGED: readonly (readonly [column: string, value: string])[] = [
  ['requested_at', 'least(stored.requested_at, excluded.requested_at)'],
  ['h3_cell', ofEarlier('requested_at', 'h3_cell')],
  ['assigned_at', 'greatest(stored.assigned_at, excluded.assigned_at)'],
  ['picked_up_at', 'least(stored.picked_up_at, excluded.picked_up_at)'],
  ['device_id', ofEarlier('picked_up_at', 'device_id')],
  ['ended_at', 'greatest(stored.ended_at, excluded.ended_at)'],
  ['cancelled_at', 'greatest(stored.cancelled_at, excluded.cancelled_at)'],
  ['cancelled_by', ofLater('cancelled_at', 'cancelled_by')],
  ...REPORTED.map((column) => [column, ofEarlierReport(column)] as const),
];

const VALUES = MERGED.map(([column]) => column);
const COLUMNS = ['provider_id', 'trip_id', ...VALUES];

function ofEarlier(time: string, column: string): string {
  return `CASE WHEN stored.${time} IS NULL OR (excluded.${time}, excluded.${column}) < (stored.${time}, stored.${column})
    THEN excluded.${column} ELSE stored.${column} END`;
}

function ofLater(time: string, column: string): string {
  return `CASE WHEN stored.${time} IS NULL OR (excluded.${time}, excluded.${column}) > (stored.${time}, stored.${column})
    THEN excluded.${column} ELSE stored.${column} END`;
}

function ofEarlierReport(column: string): string {
  return `CASE WHEN stored.reported_end_at IS NULL OR excluded.reported_end_at <= stored.reported_end_at
    THEN excluded.${column} ELSE stored.${column} END`;
}
