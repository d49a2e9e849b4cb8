-- Devices and trips are those of their provider: two providers may use the same ids.

CREATE OR REPLACE VIEW analysis.trips_per_hour AS
WITH requests AS (
  SELECT provider_id, trip_id, min("timestamp") AS requested_at
  FROM ride.rider_events
  WHERE event_type = 'ride_request'
  GROUP BY provider_id, trip_id
)
SELECT
  date_trunc('hour', trips.start_time, 'UTC') AS hour,
  count(*) AS trips,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM trips.start_time - requests.requested_at)::float8)
    AS median_wait_seconds,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY trips.duration::float8) AS median_duration_seconds
FROM ride.trips
LEFT JOIN requests USING (provider_id, trip_id)
GROUP BY 1;

CREATE OR REPLACE VIEW analysis.vehicle_state_periods AS
SELECT
  device_id,
  vehicle_state,
  "timestamp" AS starts_at,
  coalesce(
    lead("timestamp") OVER (PARTITION BY provider_id, device_id ORDER BY "timestamp", event_id),
    (SELECT max("timestamp") FROM ride.vehicle_events)
  ) AS ends_at,
  provider_id
FROM ride.vehicle_events;

CREATE OR REPLACE VIEW analysis.vehicle_utilisation AS
WITH by_state AS (
  SELECT
    periods.provider_id,
    periods.device_id,
    days.starts_at AS day_starts_at,
    periods.vehicle_state,
    sum(extract(epoch FROM
      least(periods.ends_at, days.starts_at + interval '24 hours') - greatest(periods.starts_at, days.starts_at)
    )::float8) AS seconds
  FROM analysis.vehicle_state_periods AS periods
  CROSS JOIN LATERAL generate_series(
    date_trunc('day', periods.starts_at, 'UTC'), periods.ends_at, interval '24 hours'
  ) AS days (starts_at)
  WHERE periods.ends_at > days.starts_at AND periods.ends_at > periods.starts_at
  GROUP BY 1, 2, 3, 4
)
SELECT
  device_id,
  (day_starts_at AT TIME ZONE 'UTC')::date AS day,
  vehicle_state,
  seconds,
  seconds / sum(seconds) OVER (PARTITION BY provider_id, device_id, day_starts_at) AS share,
  provider_id
FROM by_state;

CREATE OR REPLACE VIEW analysis.supply_demand AS
WITH visits AS (
  SELECT
    provider_id,
    device_id,
    h3_cell,
    date_bin('15 minutes', "timestamp", 'epoch') AS quarter,
    min("timestamp") AS first_at,
    max("timestamp") AS last_at
  FROM ride.telemetry
  GROUP BY 1, 2, 3, 4
), supply AS (
  SELECT
    visits.h3_cell,
    visits.quarter,
    count(DISTINCT (visits.provider_id, visits.device_id)) AS available_vehicles
  FROM visits
  JOIN analysis.vehicle_state_periods AS periods
    ON periods.provider_id = visits.provider_id
    AND periods.device_id = visits.device_id
    AND periods.vehicle_state = 'available'
    AND periods.starts_at <= visits.last_at
    AND periods.ends_at >= visits.first_at
  GROUP BY 1, 2
), demand AS (
  SELECT h3_cell, date_bin('15 minutes', "timestamp", 'epoch') AS quarter, count(*) AS requests
  FROM ride.rider_events
  WHERE event_type = 'ride_request'
  GROUP BY 1, 2
)
SELECT
  to_hex(h3_cell) AS h3_cell,
  quarter,
  coalesce(available_vehicles, 0) AS available_vehicles,
  coalesce(requests, 0) AS requests
FROM supply
FULL JOIN demand USING (h3_cell, quarter);
