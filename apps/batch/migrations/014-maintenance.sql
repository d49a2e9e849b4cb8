-- Operation for years: settings of autovacuum, and aggregates from which the hours of many vehicles are read.
--
-- No table is rewritten. SET of storage parameters blocks neither loads nor queries; it waits for a VACUUM of the table.

-- Partitions are appended to for about a day and then hardly change: the code that creates partitions sets the same.
DO $$
DECLARE partition regclass;
BEGIN
  FOR partition IN
    SELECT inhrelid FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent IN ('ride.telemetry'::regclass, 'ride.vehicle_events'::regclass, 'ride.rider_events'::regclass, 'ride.trips'::regclass)
      AND relkind = 'r'
    ORDER BY inhrelid
  LOOP
    EXECUTE format(
      'ALTER TABLE %s SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 10000,
         autovacuum_freeze_min_age = 0, autovacuum_analyze_scale_factor = 0.05)', partition);
  END LOOP;
END $$;

-- A day of keys is deleted each day, of the 31 that are kept: with the default of 0.2, deleted keys of six days remain.
ALTER TABLE ride.telemetry_seen SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ride.vehicle_events_seen SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ride.rider_events_seen SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ride.trips_seen SET (autovacuum_vacuum_scale_factor = 0.05);

-- Rows that change several times while their quarter lasts, in columns without an index: they are updated in their page.
ALTER TABLE ride.vehicle_quarters SET (fillfactor = 80);
ALTER TABLE ride.provider_quarters SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ride.rebuilt_trips SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- Queues: all rows are inserted and deleted with each load, whatever their number.
ALTER TABLE ride.stale_quarters SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE ride.trip_marks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE ride.vehicle_marks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- From here on, refreshes wait: an aggregate and what is calculated from it belong to the same rows.
LOCK TABLE ride.state_periods IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE ride.state_hours (
  hour timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  vehicle_state text NOT NULL,
  milliseconds bigint NOT NULL,
  PRIMARY KEY (hour, provider_id, vehicle_state)
) WITH (fillfactor = 80);
INSERT INTO ride.state_hours
SELECT hour, provider_id, vehicle_state, sum(extract(epoch FROM ends_at - starts_at) * 1000)::bigint
FROM ride.state_periods WHERE starts_at < ends_at GROUP BY 1, 2, 3;
COMMENT ON TABLE ride.state_hours IS
  'Aggregate of ride.state_periods: time of all vehicles in each state per provider and hour, also beyond the newest event.';
COMMENT ON COLUMN ride.state_hours.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN ride.state_hours.provider_id IS 'Provider that operates the vehicles.';
COMMENT ON COLUMN ride.state_hours.vehicle_state IS 'State of the vehicles.';
COMMENT ON COLUMN ride.state_hours.milliseconds IS 'Time in the state, in milliseconds.';

-- Periods of the last hours may end after the newest event or position, beyond which nothing is known: they are read
-- themselves, and are few.
CREATE VIEW ride.state_seconds AS
SELECT hour, provider_id, vehicle_state, milliseconds / 1000.0::float8 AS seconds
FROM ride.state_hours
WHERE hour < (SELECT date_bin('1 hour', newest_at, 'epoch') FROM ride.newest_signal)
UNION ALL
SELECT hour, provider_id, vehicle_state,
  sum(extract(epoch FROM least(ends_at, (SELECT newest_at FROM ride.newest_signal)) - starts_at)::float8)
FROM ride.state_periods
WHERE hour >= (SELECT date_bin('1 hour', newest_at, 'epoch') FROM ride.newest_signal)
  AND starts_at < least(ends_at, (SELECT newest_at FROM ride.newest_signal))
GROUP BY hour, provider_id, vehicle_state;
COMMENT ON VIEW ride.state_seconds IS 'Time of all vehicles in each state per provider and hour, up to the newest event or position.';
COMMENT ON COLUMN ride.state_seconds.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN ride.state_seconds.provider_id IS 'Provider that operates the vehicles.';
COMMENT ON COLUMN ride.state_seconds.vehicle_state IS 'State of the vehicles.';
COMMENT ON COLUMN ride.state_seconds.seconds IS 'Time in the state, in seconds.';

CREATE OR REPLACE VIEW analysis.utilisation AS
WITH by_hour AS (
  SELECT
    hour,
    provider_id,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'available'), 0) AS available_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'reserved'), 0) AS reserved_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'on_trip'), 0) AS on_trip_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'stopped'), 0) AS stopped_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state IN ('available', 'reserved', 'on_trip', 'stopped')), 0) AS working_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state NOT IN ('available', 'reserved', 'on_trip', 'stopped')), 0) AS off_seconds
  FROM ride.state_seconds
  GROUP BY hour, provider_id
)
SELECT
  *,
  working_seconds / 3600 AS working_vehicles,
  (on_trip_seconds + stopped_seconds) / nullif(working_seconds, 0) AS utilisation_share,
  (available_seconds + reserved_seconds) / nullif(working_seconds, 0) AS dead_heading_share
FROM by_hour;

CREATE OR REPLACE VIEW analysis.fleet_needed AS
WITH demand AS (
  SELECT
    requested_hour AS hour,
    provider_id,
    count(*) AS requests,
    avg(extract(epoch FROM ended_at - assigned_at)::float8) FILTER (WHERE ended_at >= assigned_at) AS mean_busy_seconds,
    avg(approach_seconds) AS mean_approach_seconds,
    avg(wait_seconds) AS mean_wait_seconds
  FROM analysis.rides
  WHERE requested_hour IS NOT NULL
  GROUP BY requested_hour, provider_id
)
SELECT
  hour,
  provider_id,
  target_wait_seconds,
  requests,
  mean_busy_seconds,
  mean_approach_seconds,
  mean_wait_seconds,
  working_vehicles,
  ride.vehicles_needed(requests, mean_busy_seconds, mean_approach_seconds, target_wait_seconds) AS vehicles_needed
FROM demand
CROSS JOIN LATERAL (
  SELECT sum(seconds) / 3600 AS working_vehicles
  FROM ride.state_seconds
  WHERE state_seconds.hour = demand.hour AND state_seconds.provider_id = demand.provider_id
    AND vehicle_state IN ('available', 'reserved', 'on_trip', 'stopped')
) AS supply
CROSS JOIN (VALUES (180), (300), (600)) AS targets (target_wait_seconds);

CREATE OR REPLACE VIEW analysis.earnings AS
WITH fares AS (
  SELECT
    date_bin('1 hour', reported_start_at, 'epoch') AS hour,
    provider_id,
    currency,
    count(*) AS trips,
    sum(actual_cost)::bigint AS total_cost,
    avg(actual_cost)::float8 AS mean_cost
  FROM ride.ride_outcomes
  WHERE actual_cost IS NOT NULL AND date_bin('1 hour', reported_start_at, 'epoch') IS NOT NULL
  GROUP BY 1, 2, 3
)
SELECT
  hour,
  provider_id,
  currency,
  trips,
  total_cost,
  mean_cost,
  working_vehicles,
  total_cost / nullif(working_vehicles, 0) AS cost_per_vehicle_hour
FROM fares
CROSS JOIN LATERAL (
  SELECT sum(seconds) / 3600 AS working_vehicles
  FROM ride.state_seconds
  WHERE state_seconds.hour = fares.hour AND state_seconds.provider_id = fares.provider_id
    AND vehicle_state IN ('available', 'reserved', 'on_trip', 'stopped')
) AS supply;

-- The event before each event is looked up in ride.state_periods, which has one index for all days. Most events have one
-- type: their transition is compared without recursion.
CREATE OR REPLACE VIEW analysis.state_violations AS
SELECT
  events.provider_id,
  events.device_id,
  previous.event_id AS previous_event_id,
  previous.vehicle_state AS previous_state,
  previous.event_at AS previous_time,
  events.event_id,
  events.vehicle_state,
  events.event_types,
  events."timestamp"
FROM ride.vehicle_events AS events
CROSS JOIN LATERAL (
  SELECT earlier.event_id, earlier.vehicle_state, earlier.event_at
  FROM ride.state_periods AS earlier
  WHERE earlier.device_id = events.device_id AND earlier.provider_id = events.provider_id
    AND (earlier.event_at, earlier.event_id) < (events."timestamp", events.event_id)
  ORDER BY earlier.event_at DESC, earlier.event_id DESC
  LIMIT 1
) AS previous
WHERE CASE cardinality(events.event_types)
  WHEN 1 THEN (previous.vehicle_state, events.vehicle_state, events.event_types[1])
    NOT IN (SELECT from_state, to_state, event_type FROM analysis.vehicle_transitions)
  ELSE NOT EXISTS (
    WITH RECURSIVE reached (state, steps) AS (
      SELECT previous.vehicle_state, 0
      UNION
      SELECT transitions.to_state, reached.steps + 1
      FROM reached JOIN analysis.vehicle_transitions AS transitions
        ON transitions.from_state = reached.state AND transitions.event_type = events.event_types[reached.steps + 1]
    )
    SELECT FROM reached WHERE steps = cardinality(events.event_types) AND state = events.vehicle_state
  )
END;
