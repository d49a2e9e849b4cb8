import type pg from 'pg';
import { isInRanges, type TimeRange } from './time-ranges.js';

/**
 * Merges the events and trips in ranges of time into `ride.ride_outcomes`. Each column is the earliest or latest of all events
 * of the trip: merging the same events again, or in another order, has the same result.
 */
export async function refreshRideOutcomes(
  client: pg.ClientBase,
  ranges: readonly TimeRange[],
): Promise<void> {
  await client.query(
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
     )
     INSERT INTO ride.ride_outcomes AS stored (${COLUMNS.join(', ')})
     SELECT ${COLUMNS.join(', ')} FROM from_events FULL JOIN from_trips USING (provider_id, trip_id)
     ON CONFLICT (provider_id, trip_id) DO UPDATE SET ${MERGED.map(([column, value]) => `${column} = ${value}`).join(', ')}
       WHERE (${VALUES.map((column) => `stored.${column}`).join(', ')})
         IS DISTINCT FROM (${MERGED.map(([, value]) => value).join(', ')})`,
  );
}

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
