import type pg from 'pg';
import { markingComparisons } from '../comparison/mark-comparisons.postgres.js';
import type { RebuiltTrip } from '../course/rebuilt-trip.js';

/** A row of `ride.rebuilt_trips`, without `updated_at`. */
export type TripRow = RebuiltTrip & { readonly provider_id: string; readonly trip_id: string };

/** Types of the columns that are compared and written. */
const TYPES: Readonly<Record<keyof RebuiltTrip, string>> = {
  state: 'text',
  rider_id: 'uuid',
  device_id: 'uuid',
  device_ids: 'uuid[]',
  requested_at: 'timestamptz',
  assigned_at: 'timestamptz',
  picked_up_at: 'timestamptz',
  dropped_off_at: 'timestamptz',
  cancelled_at: 'timestamptz',
  cancelled_by: 'text',
  wait_seconds: 'double precision',
  duration_seconds: 'double precision',
  distance_meters: 'double precision',
  matched_distance: 'double precision',
  matched_share: 'double precision',
  mean_speed: 'double precision',
  max_speed: 'double precision',
  dwell_seconds: 'double precision',
  deadhead_seconds: 'double precision',
  deadhead_meters: 'double precision',
  pickup_lat: 'double precision',
  pickup_lng: 'double precision',
  dropoff_lat: 'double precision',
  dropoff_lng: 'double precision',
  route: 'text',
  silent_from: 'timestamptz[]',
  silent_to: 'timestamptz[]',
  events: 'integer',
  points: 'integer',
  first_event_at: 'timestamptz',
  last_event_at: 'timestamptz',
  telemetry_from: 'timestamptz',
  telemetry_to: 'timestamptz',
};
const COLUMNS = Object.keys(TYPES);

/** What a route is matched from. While it is the same, a process without roads keeps what another one has matched. */
const MATCHED_FROM = ['picked_up_at', 'dropped_off_at', 'distance_meters', 'points'];
const isSameRoute = `(${MATCHED_FROM.map((column) => `rebuilt_trips.${column}`).join(', ')})
      IS NOT DISTINCT FROM (${MATCHED_FROM.map((column) => `EXCLUDED.${column}`).join(', ')})`;

function newValue(column: string): string {
  if (!column.startsWith('matched_')) return `EXCLUDED.${column}`;
  return `CASE WHEN NOT $2::boolean AND ${isSameRoute} THEN rebuilt_trips.${column} ELSE EXCLUDED.${column} END`;
}

const UPSERT = markingComparisons(
  'rebuilt_trips',
  `
  INSERT INTO ride.rebuilt_trips (provider_id, trip_id, ${COLUMNS.join(', ')}, updated_at)
  SELECT provider_id, trip_id, ${COLUMNS.join(', ')}, clock_timestamp()
  FROM json_to_recordset($1::json) AS trips (provider_id uuid, trip_id uuid,
    ${Object.entries(TYPES)
      .map(([column, type]) => `${column} ${type}`)
      .join(', ')})
  ON CONFLICT (provider_id, trip_id) DO UPDATE SET
    ${COLUMNS.map((column) => `${column} = ${newValue(column)}`).join(', ')}, updated_at = EXCLUDED.updated_at
  WHERE (${COLUMNS.map((column) => `rebuilt_trips.${column}`).join(', ')})
    IS DISTINCT FROM (${COLUMNS.map(newValue).join(', ')})`,
);

/**
 * Inserts or updates rows, marks those that have changed to be compared, and returns their number. The others keep their `updated_at`. Unless `isMatched`, the routes
 * were not matched to roads.
 */
export async function writeTrips(
  client: pg.ClientBase,
  rows: readonly TripRow[],
  { isMatched }: { readonly isMatched: boolean },
): Promise<number> {
  if (rows.length === 0) return 0;
  const { rowCount } = await client.query(UPSERT, [JSON.stringify(rows), isMatched]);
  return rowCount ?? 0;
}
