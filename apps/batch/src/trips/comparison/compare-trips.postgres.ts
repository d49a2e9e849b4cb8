import type pg from 'pg';
import { inTransaction, type Pool } from '../../database/pool.postgres.js';

/** Advisory lock of the process that compares trips. The same number in every process. */
const LOCK = 7_245_134;
/** Marks that one transaction processes. */
const MAX_MARKS = 5_000;

/**
 * Compares the trips that are marked, in transactions that each delete the marks of the trips that they write to
 * `ride.compared_trips`. The rows of a trip depend only on those of `ride.trips` and `ride.rebuilt_trips`, so that the order of
 * changes and repeated comparisons have no effect. It may be stopped (by the signal, after a transaction) or killed at any time: the
 * next call continues. Concurrent calls of other processes take turns.
 *
 * @throws DatabaseError if Postgres reports an error
 */
export async function compareTrips(pool: Pool, signal: AbortSignal): Promise<void> {
  const { rows } = await pool.query<{ last: string | null }>(
    'SELECT max(mark_id) AS last FROM ride.comparison_marks',
  );
  const { last } = rows[0]!;
  if (last === null) return;
  // Later marks are left to the next call. At least one transaction: a rebuild of many trips may end because its time is over.
  do {
    if (!(await inTransaction(pool, (client) => compareMarked(client, last)))) return;
  } while (!signal.aborted);
}

/** Waits for the comparisons of other processes. None starts until the current transaction ends. */
export async function lockComparisons(client: pg.ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
}

/** Returns whether there were marks. */
async function compareMarked(client: pg.ClientBase, last: string): Promise<boolean> {
  await lockComparisons(client);
  // All lookups are by key. Without statistics, the planner may read whole tables instead; to compile the plan takes longer.
  await client.query(
    'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off',
  );
  const { rows } = await client.query<{ trips: string | null }>(CLAIM, [last]);
  const { trips } = rows[0]!;
  if (trips === null) return false;
  await client.query(COMPARE, [trips]);
  return true;
}

/**
 * Deletes the oldest marks and the rows of their trips. Returns the keys of the trips as JSON, once for each end time that a report
 * of the trip may have: those of the marks, and of the rows that were written before.
 */
const CLAIM = `
  WITH claimed AS (
    DELETE FROM ride.comparison_marks WHERE mark_id = ANY (ARRAY(
      SELECT mark_id FROM ride.comparison_marks WHERE mark_id <= $1 ORDER BY mark_id LIMIT ${MAX_MARKS}))
    RETURNING provider_id, trip_id, end_time
  ), deleted AS (
    DELETE FROM ride.compared_trips AS compared
    USING (SELECT DISTINCT provider_id, trip_id FROM claimed) AS marked
    WHERE compared.provider_id = marked.provider_id AND compared.trip_id = marked.trip_id
    RETURNING compared.provider_id, compared.trip_id, compared.reported_end_time AS end_time
  )
  SELECT json_agg(trips)::text AS trips
  FROM (SELECT * FROM claimed UNION SELECT * FROM deleted) AS trips`;

const COLUMNS = [
  'provider_id',
  'trip_id',
  'reported_device_id',
  'device_id',
  'reported_start_time',
  'reported_end_time',
  'picked_up_at',
  'dropped_off_at',
  'cancelled_at',
  'start_difference_seconds',
  'end_difference_seconds',
  'distance_meters',
  'matched_distance',
  'distance_difference_meters',
  'distance_difference_percent',
  'reported_cost',
  'reported_distance',
  'state',
  'cancelled_by',
  'reported_currency',
  'verdict',
  'differences',
].join(', ');

/** Each report is looked up in the partition of its end time only. Without LIMIT, the planner may look it up in every one. */
const COMPARE = `
  INSERT INTO ride.compared_trips (${COLUMNS})
  WITH marked AS (
    SELECT provider_id, trip_id, array_agg(end_time) FILTER (WHERE end_time IS NOT NULL) AS ends
    FROM json_to_recordset($1::json) AS trips (provider_id uuid, trip_id uuid, end_time timestamptz)
    GROUP BY provider_id, trip_id
  ), compared AS (
    SELECT marked.provider_id, marked.trip_id, reported.*, rebuilt.state, rebuilt.device_id, rebuilt.picked_up_at,
      rebuilt.dropped_off_at, rebuilt.cancelled_at, rebuilt.cancelled_by, rebuilt.distance_meters, rebuilt.matched_distance,
      date_part('epoch', reported_start_time - picked_up_at) AS start_difference_seconds,
      date_part('epoch', reported_end_time - dropped_off_at) AS end_difference_seconds,
      coalesce(matched_distance, distance_meters) AS driven_meters
    FROM marked
    LEFT JOIN LATERAL (
      SELECT stored.device_id AS reported_device_id, start_time AS reported_start_time, stored.end_time AS reported_end_time,
        distance AS reported_distance, coalesce(actual_cost, standard_cost) AS reported_cost, currency AS reported_currency,
        trip_attributes ? 'cancellation_reason' AS is_reported_as_cancelled
      FROM unnest(marked.ends) AS known (end_time)
      CROSS JOIN LATERAL (
        SELECT * FROM ride.trips AS trips
        WHERE trips.trip_id = marked.trip_id AND trips.provider_id = marked.provider_id AND trips.end_time = known.end_time
        LIMIT 1
      ) AS stored
    ) AS reported ON true
    LEFT JOIN ride.rebuilt_trips AS rebuilt
      ON rebuilt.provider_id = marked.provider_id AND rebuilt.trip_id = marked.trip_id
    WHERE reported_end_time IS NOT NULL OR state = 'completed'
  ), measured AS (
    SELECT *, reported_distance - driven_meters AS distance_difference_meters,
      100 * (reported_distance - driven_meters) / nullif(driven_meters, 0) AS distance_difference_percent,
      reported_end_time IS NOT NULL AS is_reported
    FROM compared
  ), judged AS (
    SELECT *, array_remove(ARRAY[
        CASE WHEN NOT is_reported THEN 'missing' END,
        CASE WHEN is_reported AND (state IS NULL OR (state = 'cancelled' AND is_reported_as_cancelled IS NOT TRUE))
          THEN 'extra' END,
        CASE WHEN is_reported AND state IN ('in_progress', 'incomplete') THEN 'events_missing' END,
        CASE WHEN reported_cost > 0 AND state IS DISTINCT FROM 'completed' AND is_reported_as_cancelled IS NOT TRUE
          THEN 'fare_without_trip' END,
        CASE WHEN reported_device_id <> device_id THEN 'vehicle' END,
        CASE WHEN abs(start_difference_seconds) > 60 THEN 'start_time' END,
        CASE WHEN abs(end_difference_seconds) > 60 THEN 'end_time' END,
        CASE WHEN abs(distance_difference_meters) > greatest(200, 0.1 * driven_meters) THEN 'distance' END
      ], NULL) AS differences
    FROM measured
    OFFSET 0
  ), with_verdict AS (
    SELECT *, CASE
      WHEN differences = '{}' THEN 'matches'
      WHEN 'missing' = ANY (differences) THEN 'missing'
      WHEN 'extra' = ANY (differences) THEN 'extra'
      ELSE 'differs'
    END AS verdict
    FROM judged
  )
  SELECT ${COLUMNS} FROM with_verdict`;
