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
  sum(date_part('epoch', least(ends_at, (SELECT newest_at FROM ride.newest_signal)) - starts_at))
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

-- Cells of an hour, so that the hours of thirty days are read as they are.
CREATE TABLE ride.cell_hours (
  hour timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  h3_cell bigint NOT NULL,
  available_seconds double precision NOT NULL,
  speed_count integer NOT NULL,
  speed_sum double precision NOT NULL,
  moving_count integer NOT NULL,
  moving_speed_sum double precision NOT NULL,
  requests integer NOT NULL,
  PRIMARY KEY (hour, provider_id, h3_cell)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
LOCK TABLE ride.cell_quarters IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO ride.cell_hours
SELECT date_bin('1 hour', quarter, 'epoch'), provider_id, h3_cell, sum(available_seconds), sum(speed_count), sum(speed_sum),
  sum(moving_count), sum(moving_speed_sum), sum(requests)
FROM ride.cell_quarters GROUP BY 1, 2, 3;
COMMENT ON TABLE ride.cell_hours IS 'Aggregate of ride.cell_quarters: supply, demand and speeds per provider, H3 cell and hour.';
COMMENT ON COLUMN ride.cell_hours.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN ride.cell_hours.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.cell_hours.h3_cell IS 'H3 cell at resolution 9. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.cell_hours.available_seconds IS 'Time that vehicles were available in the cell, in seconds.';
COMMENT ON COLUMN ride.cell_hours.speed_count IS 'Number of positions with a speed.';
COMMENT ON COLUMN ride.cell_hours.speed_sum IS 'Sum of their speeds, in metres per second.';
COMMENT ON COLUMN ride.cell_hours.moving_count IS 'Number of positions with a speed of at least 1 metre per second.';
COMMENT ON COLUMN ride.cell_hours.moving_speed_sum IS 'Sum of their speeds, in metres per second.';
COMMENT ON COLUMN ride.cell_hours.requests IS 'Number of ride requests from the cell.';

CREATE OR REPLACE VIEW analysis.cell_speeds AS
SELECT
  hour,
  provider_id,
  to_hex(h3_cell) AS h3_cell,
  speed_count::bigint AS positions,
  speed_sum / speed_count AS mean_speed,
  moving_count::bigint AS moving_positions,
  moving_speed_sum / nullif(moving_count, 0) AS mean_moving_speed
FROM ride.cell_hours
WHERE speed_count > 0;

CREATE OR REPLACE VIEW analysis.idle_hot_spots AS
SELECT
  hour,
  provider_id,
  to_hex(h3_cell) AS h3_cell,
  available_seconds AS idle_seconds,
  requests::bigint AS requests,
  available_seconds / nullif(requests, 0) AS idle_seconds_per_request
FROM ride.cell_hours
WHERE available_seconds > 0;

-- A ride without a pick-up is looked up by the quarter and cell of its first request, which are in ride.cell_quarters.
CREATE INDEX ride_outcomes_unmet_idx
  ON ride.ride_outcomes (date_bin('15 minutes', requested_at, 'epoch'), provider_id, h3_cell)
  WHERE picked_up_at IS NULL AND reported_start_at IS NULL;

CREATE OR REPLACE VIEW analysis.cell_supply_demand AS
SELECT
  quarter,
  provider_id,
  to_hex(h3_cell) AS h3_cell,
  available_vehicles::bigint AS available_vehicles,
  available_seconds / 900 AS mean_available_vehicles,
  requests::bigint AS requests,
  CASE WHEN requests > 0 THEN (
    SELECT count(*) FROM ride.ride_outcomes AS unmet
    WHERE date_bin('15 minutes', unmet.requested_at, 'epoch') = cell_quarters.quarter
      AND unmet.provider_id = cell_quarters.provider_id AND unmet.h3_cell = cell_quarters.h3_cell
      AND unmet.picked_up_at IS NULL AND unmet.reported_start_at IS NULL
  ) ELSE 0 END AS unmet_requests,
  pick_ups::bigint AS pick_ups,
  drop_offs::bigint AS drop_offs
FROM ride.cell_quarters
WHERE available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0;

-- Cells are joined to zones by their numbers, and the hexadecimal text is not calculated.
CREATE OR REPLACE VIEW analysis.zone_supply_demand AS
SELECT
  quarter,
  provider_id,
  zone_id,
  sum(available_seconds) / 900 AS mean_available_vehicles,
  sum(requests)::bigint AS requests,
  sum(unmet_requests)::bigint AS unmet_requests,
  sum(pick_ups)::bigint AS pick_ups,
  sum(drop_offs)::bigint AS drop_offs
FROM (
  SELECT quarter, provider_id, h3_cell, available_seconds, requests, 0 AS unmet_requests, pick_ups, drop_offs
  FROM ride.cell_quarters
  WHERE available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0
  UNION ALL
  SELECT date_bin('15 minutes', requested_at, 'epoch'), provider_id, h3_cell, 0, 0, 1, 0, 0
  FROM ride.ride_outcomes
  WHERE date_bin('15 minutes', requested_at, 'epoch') IS NOT NULL AND picked_up_at IS NULL AND reported_start_at IS NULL
) AS parts
LEFT JOIN ride.zone_cells USING (h3_cell)
GROUP BY quarter, provider_id, zone_id;

-- date_part returns double precision; extract returns numeric, which is slower.
CREATE OR REPLACE VIEW analysis.rides AS
SELECT
  provider_id,
  trip_id,
  coalesce(device_id, reported_device_id) AS device_id,
  requested_at,
  date_bin('1 hour', requested_at, 'epoch') AS requested_hour,
  to_hex(h3_cell) AS h3_cell,
  assigned_at,
  coalesce(picked_up_at, reported_start_at) AS picked_up_at,
  coalesce(ended_at, reported_end_at) AS ended_at,
  cancelled_at,
  cancelled_by,
  CASE
    WHEN coalesce(ended_at, reported_end_at) IS NOT NULL THEN 'completed'
    WHEN picked_up_at IS NOT NULL THEN 'on_trip'
    WHEN cancelled_at IS NOT NULL THEN 'cancelled'
    ELSE 'open'
  END AS outcome,
  date_part('epoch', coalesce(picked_up_at, reported_start_at) - requested_at) AS wait_seconds,
  CASE WHEN assigned_at <= coalesce(picked_up_at, reported_start_at)
    THEN date_part('epoch', coalesce(picked_up_at, reported_start_at) - assigned_at) END AS approach_seconds,
  date_part('epoch', coalesce(ended_at, reported_end_at) - coalesce(picked_up_at, reported_start_at)) AS ride_seconds,
  CASE WHEN coalesce(picked_up_at, ended_at, reported_end_at) IS NULL
    THEN date_part('epoch', cancelled_at - requested_at) END AS cancelled_after_seconds
FROM ride.ride_outcomes;

-- Most periods are within an hour: only the end of the others is looked up.
CREATE OR REPLACE VIEW analysis.vehicle_state_periods AS
SELECT
  device_id,
  vehicle_state,
  event_at AS starts_at,
  least(
    CASE WHEN ends_at < hour + interval '1 hour' THEN ends_at ELSE (
      SELECT last_part.ends_at FROM ride.state_periods AS last_part
      WHERE last_part.provider_id = first_part.provider_id AND last_part.device_id = first_part.device_id
        AND last_part.event_at = first_part.event_at AND last_part.event_id = first_part.event_id
      ORDER BY last_part.hour DESC LIMIT 1
    ) END,
    (SELECT newest_at FROM ride.newest_signal)
  ) AS ends_at,
  provider_id
FROM ride.state_periods AS first_part
WHERE starts_at = event_at;

CREATE OR REPLACE VIEW analysis.vehicle_utilisation AS
SELECT
  device_id,
  day,
  vehicle_state,
  seconds,
  seconds / sum(seconds) OVER (PARTITION BY provider_id, device_id, day) AS share,
  provider_id
FROM (
  SELECT
    provider_id,
    device_id,
    day,
    vehicle_state,
    sum(date_part('epoch', least(ends_at, (SELECT newest_at FROM ride.newest_signal)) - starts_at)) AS seconds
  FROM ride.state_periods
  WHERE starts_at < least(ends_at, (SELECT newest_at FROM ride.newest_signal))
  GROUP BY provider_id, device_id, day, vehicle_state
) AS by_state;

-- Grouped by vehicle first: to count distinct vehicles, all quarters of a day would be sorted.
CREATE OR REPLACE VIEW analysis.data_quality AS
SELECT
  day,
  provider_id,
  sum(positions)::bigint AS positions,
  sum(vehicle_events)::bigint AS vehicle_events,
  sum(rider_events)::bigint AS rider_events,
  sum(trips)::bigint AS trips,
  sum(vehicles)::bigint AS vehicles,
  sum(rejects)::bigint AS rejects,
  sum(silences)::bigint AS silences,
  sum(silence_seconds) AS silence_seconds,
  sum(late_1m)::bigint AS late_1m,
  sum(late_10m)::bigint AS late_10m,
  sum(late_1h)::bigint AS late_1h,
  sum(late_1d)::bigint AS late_1d,
  sum(lateness_seconds) / nullif(sum(received), 0) AS mean_lateness_seconds,
  max(max_lateness_seconds) AS max_lateness_seconds
FROM (
  SELECT
    day,
    provider_id,
    sum(positions) AS positions,
    0 AS vehicle_events,
    0 AS rider_events,
    0 AS trips,
    count(*) AS vehicles,
    0 AS rejects,
    sum(silences) AS silences,
    sum(silence_seconds) AS silence_seconds,
    sum(received) AS received,
    sum(late_1m) AS late_1m,
    sum(late_10m) AS late_10m,
    sum(late_1h) AS late_1h,
    sum(late_1d) AS late_1d,
    sum(lateness_seconds) AS lateness_seconds,
    max(max_lateness_seconds) AS max_lateness_seconds
  FROM (
    SELECT
      (quarter AT TIME ZONE 'UTC')::date AS day,
      provider_id,
      device_id,
      sum(positions) AS positions,
      count(*) FILTER (WHERE first_at - previous_at > interval '15 minutes' AND first_at - previous_at <= interval '24 hours') AS silences,
      coalesce(sum(date_part('epoch', first_at - previous_at))
        FILTER (WHERE first_at - previous_at > interval '15 minutes' AND first_at - previous_at <= interval '24 hours'), 0)
        AS silence_seconds,
      sum(received) AS received,
      sum(late_1m) AS late_1m,
      sum(late_10m) AS late_10m,
      sum(late_1h) AS late_1h,
      sum(late_1d) AS late_1d,
      sum(lateness_seconds) AS lateness_seconds,
      max(max_lateness_seconds) AS max_lateness_seconds
    FROM ride.vehicle_quarters
    GROUP BY 1, 2, 3
  ) AS by_vehicle
  GROUP BY 1, 2
  UNION ALL
  SELECT (quarter AT TIME ZONE 'UTC')::date, provider_id, 0, sum(vehicle_events), sum(rider_events), sum(trips),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL
  FROM ride.provider_quarters
  GROUP BY 1, 2
  UNION ALL
  SELECT
    (coalesce(received_at, rejected_at) AT TIME ZONE 'UTC')::date,
    lower(substring(encode(value, 'escape') FROM
      '"provider_id"\s*:\s*"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"'))::uuid,
    0, 0, 0, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0, 0, NULL
  FROM ride.rejects
  GROUP BY 1, 2
) AS parts
GROUP BY day, provider_id;

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
