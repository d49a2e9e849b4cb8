/*
 * What reports are computed from, as subqueries. Parameters of all: $1 and $2 the period, $3 a provider or NULL. They read the
 * partitions of the period and of a day before and after it: a ride may begin in it and end after it.
 */

const OF_PROVIDER = '($3::uuid IS NULL OR provider_id = $3)';

/** A condition on a time: in the period, or within a day of it. */
function near(column: string): string {
  return `${column} >= $1::timestamptz - interval '1 day' AND ${column} < $2::timestamptz + interval '1 day'`;
}

/** A condition on a time: in the period. */
export function within(column: string): string {
  return `${column} >= $1::timestamptz AND ${column} < $2::timestamptz`;
}

/**
 * Rides: one row per provider and trip. Waits are from the first request to the first pick-up. A ride that nobody requested (a
 * street hail) has no `requested_at`. A pick-up or an end that no vehicle reported is taken from the trip of the operator.
 */
export const RIDES = `(
  WITH requested AS (
    SELECT provider_id, trip_id, min("timestamp") AS requested_at,
      (array_agg(h3_cell ORDER BY "timestamp", event_id))[1] AS h3_cell
    FROM ride.rider_events
    WHERE event_type = 'ride_request' AND ${near('"timestamp"')} AND ${OF_PROVIDER}
    GROUP BY provider_id, trip_id
  ), withdrawn AS (
    SELECT DISTINCT provider_id, trip_id, true AS by_rider
    FROM ride.rider_events
    WHERE event_type = 'ride_cancel' AND ${near('"timestamp"')} AND ${OF_PROVIDER}
  ), driven AS (
    SELECT provider_id, trips.trip_id,
      min("timestamp") FILTER (WHERE 'trip_start' = ANY (event_types)) AS started_at,
      max("timestamp") FILTER (WHERE 'trip_end' = ANY (event_types)) AS stopped_at,
      bool_or('passenger_cancellation' = ANY (event_types)) AS by_passenger,
      bool_or('driver_cancellation' = ANY (event_types)) AS by_driver,
      bool_or('provider_cancellation' = ANY (event_types)) AS by_provider
    FROM ride.vehicle_events CROSS JOIN LATERAL unnest(trip_ids) AS trips (trip_id)
    WHERE ${near('"timestamp"')} AND ${OF_PROVIDER}
    GROUP BY provider_id, trips.trip_id
  ), reported AS (
    SELECT provider_id, trip_id, start_time, end_time
    FROM ride.trips
    WHERE ${near('end_time')} AND ${OF_PROVIDER} AND NOT coalesce(trip_attributes ? 'cancellation_reason', false)
  ), joined AS (
    SELECT requested_at, to_hex(h3_cell) AS h3_cell, coalesce(started_at, start_time) AS picked_up_at,
      coalesce(stopped_at, end_time) AS ended_at,
      CASE
        WHEN by_rider OR by_passenger THEN 'rider'
        WHEN by_driver THEN 'driver'
        WHEN by_provider THEN 'provider'
      END AS cancelled_by
    FROM requested
    FULL JOIN driven USING (provider_id, trip_id)
    FULL JOIN reported USING (provider_id, trip_id)
    LEFT JOIN withdrawn USING (provider_id, trip_id)
  )
  SELECT *,
    CASE
      WHEN ended_at IS NOT NULL THEN 'completed'
      WHEN picked_up_at IS NOT NULL THEN 'on_trip'
      WHEN cancelled_by IS NOT NULL THEN 'cancelled'
      ELSE 'open'
    END AS outcome,
    extract(epoch FROM picked_up_at - requested_at)::float8 AS wait_seconds,
    extract(epoch FROM ended_at - picked_up_at)::float8 AS ride_seconds
  FROM joined
) AS rides`;

/**
 * Times in which a vehicle was in one state: from an event to the next one of the vehicle. Without one within a day, a state ends
 * after two hours, because nothing is known beyond.
 */
const STATES = `(
  SELECT provider_id, device_id, vehicle_state, starts_at,
    least(
      CASE WHEN next_at <= starts_at + interval '1 day' THEN next_at ELSE starts_at + interval '2 hours' END, now()
    ) AS ends_at
  FROM (
    SELECT provider_id, device_id, vehicle_state, "timestamp" AS starts_at,
      lead("timestamp") OVER (PARTITION BY provider_id, device_id ORDER BY "timestamp", event_id) AS next_at
    FROM ride.vehicle_events
    WHERE ${near('"timestamp"')} AND ${OF_PROVIDER}
  ) AS events
)`;

/** Seconds that vehicles spent in each state, per hour (UTC) of the period. */
export const STATE_HOURS = `(
  SELECT hour, vehicle_state,
    extract(epoch FROM least(ends_at, hour + interval '1 hour') - greatest(starts_at, hour))::float8 AS seconds
  FROM (
    SELECT vehicle_state, greatest(starts_at, $1::timestamptz) AS starts_at, least(ends_at, $2::timestamptz) AS ends_at
    FROM ${STATES} AS states
  ) AS clipped
  CROSS JOIN LATERAL generate_series(date_trunc('hour', starts_at, 'UTC'), ends_at, interval '1 hour') AS hours (hour)
  WHERE starts_at < ends_at AND hour < ends_at
) AS state_hours`;

/** Vehicles that were available at their last position in a quarter of an hour, with the cell of that position. */
export const AVAILABLE = `(
  SELECT to_hex(h3_cell) AS h3_cell
  FROM (
    SELECT DISTINCT ON (provider_id, device_id, date_bin('15 minutes', "timestamp", 'epoch'))
      provider_id, device_id, h3_cell, "timestamp" AS seen_at
    FROM ride.telemetry
    WHERE ${within('"timestamp"')} AND ${OF_PROVIDER}
    ORDER BY provider_id, device_id, date_bin('15 minutes', "timestamp", 'epoch'), "timestamp" DESC
  ) AS seen
  JOIN ${STATES} AS states USING (provider_id, device_id)
  WHERE vehicle_state = 'available' AND seen_at >= starts_at AND seen_at < ends_at
) AS available`;

/** Rows per provider in each table, late positions, and silences between positions of a vehicle. */
export const SENT = `(
  SELECT provider_id, count(*) AS positions, 0 AS vehicle_events, 0 AS rider_events, 0 AS trips,
    count(*) FILTER (WHERE received_at > "timestamp" + interval '10 minutes') AS late,
    count(received_at) AS received,
    count(*) FILTER (WHERE silence > interval '15 minutes') AS silences,
    coalesce(extract(epoch FROM sum(silence) FILTER (WHERE silence > interval '15 minutes')), 0) AS silence_seconds
  FROM (
    SELECT provider_id, "timestamp", received_at,
      "timestamp" - lag("timestamp") OVER (PARTITION BY provider_id, device_id ORDER BY "timestamp") AS silence
    FROM ride.telemetry WHERE ${within('"timestamp"')} AND ${OF_PROVIDER}
  ) AS positions
  GROUP BY provider_id
  UNION ALL
  SELECT provider_id, 0, count(*), 0, 0, 0, 0, 0, 0 FROM ride.vehicle_events
  WHERE ${within('"timestamp"')} AND ${OF_PROVIDER} GROUP BY provider_id
  UNION ALL
  SELECT provider_id, 0, 0, count(*), 0, 0, 0, 0, 0 FROM ride.rider_events
  WHERE ${within('"timestamp"')} AND ${OF_PROVIDER} GROUP BY provider_id
  UNION ALL
  SELECT provider_id, 0, 0, 0, count(*), 0, 0, 0, 0 FROM ride.trips
  WHERE ${within('end_time')} AND ${OF_PROVIDER} GROUP BY provider_id
) AS sent`;
