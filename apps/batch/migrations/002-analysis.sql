-- Questions, answered from what was loaded. Everything is by event time, hours and days are UTC.

DO $$ BEGIN IF to_regnamespace('analysis') IS NULL THEN CREATE SCHEMA analysis; END IF; END $$;

-- How many trips started in each hour, how long their riders had waited and how long they took. The wait is from the
-- first request for the trip to its start; a trip that nobody requested (a street hail) has none.
CREATE VIEW analysis.trips_per_hour AS
WITH requests AS (
  SELECT trip_id, min("timestamp") AS requested_at
  FROM ride.rider_events
  WHERE event_type = 'ride_request'
  GROUP BY trip_id
)
SELECT
  date_trunc('hour', trips.start_time, 'UTC') AS hour,
  count(*) AS trips,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM trips.start_time - requests.requested_at)::float8)
    AS median_wait_seconds,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY trips.duration::float8) AS median_duration_seconds
FROM ride.trips
LEFT JOIN requests USING (trip_id)
GROUP BY 1;

-- From when to when each vehicle was in a state: until its next event, or, for its last one, until the newest event of
-- any vehicle, as nothing is known beyond it. Events of one vehicle at the same instant take the order of their ids.
CREATE VIEW analysis.vehicle_state_periods AS
SELECT
  device_id,
  vehicle_state,
  "timestamp" AS starts_at,
  coalesce(
    lead("timestamp") OVER (PARTITION BY device_id ORDER BY "timestamp", event_id),
    (SELECT max("timestamp") FROM ride.vehicle_events)
  ) AS ends_at
FROM ride.vehicle_events;

-- How each vehicle spent each day: seconds in each state, and their share of the time that is known of that day.
CREATE VIEW analysis.vehicle_utilisation AS
WITH by_state AS (
  SELECT
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
  GROUP BY 1, 2, 3
)
SELECT
  device_id,
  (day_starts_at AT TIME ZONE 'UTC')::date AS day,
  vehicle_state,
  seconds,
  seconds / sum(seconds) OVER (PARTITION BY device_id, day_starts_at) AS share
FROM by_state;

-- Where vehicles were to be had, and where rides were asked for: in each H3 cell and quarter of an hour, how many
-- vehicles sent positions from the cell around a time at which they were available, and how many requests came from it.
CREATE VIEW analysis.supply_demand AS
WITH visits AS (
  SELECT
    device_id,
    h3_cell,
    date_bin('15 minutes', "timestamp", 'epoch') AS quarter,
    min("timestamp") AS first_at,
    max("timestamp") AS last_at
  FROM ride.telemetry
  GROUP BY 1, 2, 3
), supply AS (
  SELECT visits.h3_cell, visits.quarter, count(DISTINCT visits.device_id) AS available_vehicles
  FROM visits
  JOIN analysis.vehicle_state_periods AS periods
    ON periods.device_id = visits.device_id
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
