-- Views of thirty days read sums as they are asked for, and not those of each quarter, vehicle and ride: supply and demand by zone
-- and by cell of all providers, positions and states per day, waits and outcomes per hour and zone.

-- From here on, refreshes wait: what is stored is calculated from the same rows.
LOCK TABLE ride.vehicle_quarters, ride.state_periods, ride.cell_quarters, ride.ride_outcomes IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE ride.cell_totals (
  quarter timestamptz NOT NULL,
  h3_cell bigint NOT NULL,
  available_vehicles integer NOT NULL,
  requests integer NOT NULL,
  PRIMARY KEY (quarter, h3_cell)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
INSERT INTO ride.cell_totals (quarter, h3_cell, available_vehicles, requests)
SELECT quarter, h3_cell, sum(available_vehicles), sum(requests)
FROM ride.cell_quarters
WHERE available_vehicles > 0 OR requests > 0
GROUP BY quarter, h3_cell
ORDER BY quarter, h3_cell;

COMMENT ON TABLE ride.cell_totals IS
  'Aggregate of ride.cell_quarters: supply and demand of all providers per H3 cell and quarter of an hour.';
COMMENT ON COLUMN ride.cell_totals.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN ride.cell_totals.h3_cell IS 'H3 cell at resolution 9. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.cell_totals.available_vehicles IS
  'Number of vehicles that were available at some time between their first and last position in the cell.';
COMMENT ON COLUMN ride.cell_totals.requests IS 'Number of ride requests from the cell.';

CREATE TABLE ride.zone_quarters (
  quarter timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  zone_id text,
  available_milliseconds bigint NOT NULL,
  requests integer NOT NULL,
  unmet_requests integer NOT NULL,
  pick_ups integer NOT NULL,
  drop_offs integer NOT NULL,
  UNIQUE NULLS NOT DISTINCT (quarter, provider_id, zone_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
INSERT INTO ride.zone_quarters
  (quarter, provider_id, zone_id, available_milliseconds, requests, unmet_requests, pick_ups, drop_offs)
SELECT
  quarter,
  provider_id,
  zone_id,
  sum(round(available_seconds * 1000)::bigint),
  sum(requests),
  sum(unmet_requests),
  sum(pick_ups),
  sum(drop_offs)
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
GROUP BY quarter, provider_id, zone_id
ORDER BY quarter, provider_id, zone_id;

COMMENT ON TABLE ride.zone_quarters IS
  'Aggregate of ride.cell_quarters and ride.ride_outcomes: supply and demand per provider, zone and quarter of an hour. Calculated for all times when zones are loaded.';
COMMENT ON COLUMN ride.zone_quarters.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN ride.zone_quarters.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.zone_quarters.zone_id IS 'Zone. NULL outside all zones.';
COMMENT ON COLUMN ride.zone_quarters.available_milliseconds IS 'Time that vehicles were available in the zone, in milliseconds.';
COMMENT ON COLUMN ride.zone_quarters.requests IS 'Number of ride requests.';
COMMENT ON COLUMN ride.zone_quarters.unmet_requests IS 'Number of rides that were first requested then and had no pick-up.';
COMMENT ON COLUMN ride.zone_quarters.pick_ups IS 'Number of pick-ups (trip_start).';
COMMENT ON COLUMN ride.zone_quarters.drop_offs IS 'Number of drop-offs (trip_end).';

CREATE TABLE ride.position_days (
  day date NOT NULL,
  provider_id uuid NOT NULL,
  positions bigint NOT NULL,
  received bigint NOT NULL,
  late_1m bigint NOT NULL,
  late_10m bigint NOT NULL,
  late_1h bigint NOT NULL,
  late_1d bigint NOT NULL,
  lateness_seconds double precision NOT NULL,
  max_lateness_seconds double precision,
  vehicles integer NOT NULL,
  silences integer NOT NULL,
  silence_seconds double precision NOT NULL,
  PRIMARY KEY (day, provider_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
INSERT INTO ride.position_days (day, provider_id, positions, received, late_1m, late_10m, late_1h, late_1d, lateness_seconds,
  max_lateness_seconds, vehicles, silences, silence_seconds)
SELECT day, provider_id, sum(positions), sum(received), sum(late_1m), sum(late_10m), sum(late_1h), sum(late_1d),
  sum(lateness_seconds), max(max_lateness_seconds), count(*), sum(silences), sum(silence_seconds)
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
GROUP BY 1, 2;

COMMENT ON TABLE ride.position_days IS 'Aggregate of ride.vehicle_quarters: positions per provider and day.';
COMMENT ON COLUMN ride.position_days.day IS 'Day (UTC).';
COMMENT ON COLUMN ride.position_days.provider_id IS 'Provider that operates the vehicles.';
COMMENT ON COLUMN ride.position_days.positions IS 'Number of positions.';
COMMENT ON COLUMN ride.position_days.received IS 'Number of positions whose received_at is known. The lateness is that of these.';
COMMENT ON COLUMN ride.position_days.late_1m IS 'Number of positions that were received more than a minute after their time.';
COMMENT ON COLUMN ride.position_days.late_10m IS 'Number of positions that were received more than 10 minutes after their time.';
COMMENT ON COLUMN ride.position_days.late_1h IS 'Number of positions that were received more than an hour after their time.';
COMMENT ON COLUMN ride.position_days.late_1d IS 'Number of positions that were received more than 24 hours after their time.';
COMMENT ON COLUMN ride.position_days.lateness_seconds IS 'Sum of the lateness, in seconds.';
COMMENT ON COLUMN ride.position_days.max_lateness_seconds IS 'Greatest lateness, in seconds. NULL if it is not known.';
COMMENT ON COLUMN ride.position_days.vehicles IS 'Number of vehicles that sent positions.';
COMMENT ON COLUMN ride.position_days.silences IS 'Number of times that a vehicle sent no position for more than 15 minutes and at most 24 hours, on the day of the end.';
COMMENT ON COLUMN ride.position_days.silence_seconds IS 'Duration of these silences, in seconds.';

CREATE TABLE ride.state_days (
  day date NOT NULL,
  provider_id uuid NOT NULL,
  device_id uuid NOT NULL,
  vehicle_state text NOT NULL,
  milliseconds bigint NOT NULL,
  PRIMARY KEY (day, provider_id, device_id, vehicle_state)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX state_days_device_id_idx ON ride.state_days (device_id, day);
INSERT INTO ride.state_days (day, provider_id, device_id, vehicle_state, milliseconds)
SELECT day, provider_id, device_id, vehicle_state, sum(date_part('epoch', ends_at - starts_at) * 1000)
FROM ride.state_periods WHERE starts_at < ends_at GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

COMMENT ON TABLE ride.state_days IS
  'Aggregate of ride.state_periods: time of each vehicle in each state per day, also beyond the newest event.';
COMMENT ON COLUMN ride.state_days.day IS 'Day (UTC).';
COMMENT ON COLUMN ride.state_days.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.state_days.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.state_days.vehicle_state IS 'State of the vehicle.';
COMMENT ON COLUMN ride.state_days.milliseconds IS 'Time in the state, in milliseconds.';

CREATE TABLE ride.zone_hours (
  hour timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  zone_id text,
  requests integer NOT NULL,
  picked_up integer NOT NULL,
  median_wait_seconds double precision,
  p90_wait_seconds double precision,
  completed integer NOT NULL,
  on_trip integer NOT NULL,
  open integer NOT NULL,
  cancelled integer NOT NULL,
  cancelled_by_rider integer NOT NULL,
  cancelled_by_driver integer NOT NULL,
  cancelled_by_provider integer NOT NULL,
  median_cancelled_after_seconds double precision,
  UNIQUE NULLS NOT DISTINCT (hour, provider_id, zone_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
INSERT INTO ride.zone_hours (hour, provider_id, zone_id, requests, picked_up, median_wait_seconds, p90_wait_seconds, completed,
  on_trip, open, cancelled, cancelled_by_rider, cancelled_by_driver, cancelled_by_provider, median_cancelled_after_seconds)
SELECT
  requested_hour,
  provider_id,
  zone_id,
  count(*),
  count(picked_up_at),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_seconds),
  percentile_cont(0.9) WITHIN GROUP (ORDER BY wait_seconds),
  count(*) FILTER (WHERE outcome = 'completed'),
  count(*) FILTER (WHERE outcome = 'on_trip'),
  count(*) FILTER (WHERE outcome = 'open'),
  count(*) FILTER (WHERE outcome = 'cancelled'),
  count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'rider'),
  count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'driver'),
  count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'provider'),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY cancelled_after_seconds)
FROM analysis.rides
LEFT JOIN ride.zone_cells ON to_hex(zone_cells.h3_cell) = rides.h3_cell
WHERE requested_hour IS NOT NULL
GROUP BY requested_hour, provider_id, zone_id
ORDER BY requested_hour, provider_id, zone_id;

COMMENT ON TABLE ride.zone_hours IS
  'Aggregate of ride.ride_outcomes: waits and outcomes of requested rides per provider, zone and hour of the first request. Calculated for all times when zones are loaded.';
COMMENT ON COLUMN ride.zone_hours.hour IS 'Start of the hour (UTC) of the first request.';
COMMENT ON COLUMN ride.zone_hours.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.zone_hours.zone_id IS 'Zone of the first request. NULL outside all zones.';
COMMENT ON COLUMN ride.zone_hours.requests IS 'Number of rides that were requested.';
COMMENT ON COLUMN ride.zone_hours.picked_up IS 'Number of them with a pick-up.';
COMMENT ON COLUMN ride.zone_hours.median_wait_seconds IS 'Median time from the first request to the pick-up, in seconds.';
COMMENT ON COLUMN ride.zone_hours.p90_wait_seconds IS '90th percentile of the time from the first request to the pick-up, in seconds.';
COMMENT ON COLUMN ride.zone_hours.completed IS 'Number of rides that ended.';
COMMENT ON COLUMN ride.zone_hours.on_trip IS 'Number of rides that were picked up and have not ended.';
COMMENT ON COLUMN ride.zone_hours.open IS 'Number of rides that were neither picked up nor cancelled.';
COMMENT ON COLUMN ride.zone_hours.cancelled IS 'Number of rides that were cancelled before a pick-up.';
COMMENT ON COLUMN ride.zone_hours.cancelled_by_rider IS 'Number of them cancelled by the rider.';
COMMENT ON COLUMN ride.zone_hours.cancelled_by_driver IS 'Number of them cancelled by the driver.';
COMMENT ON COLUMN ride.zone_hours.cancelled_by_provider IS 'Number of them cancelled by the provider.';
COMMENT ON COLUMN ride.zone_hours.median_cancelled_after_seconds IS 'Median time from the first request to the cancellation, in seconds.';

-- Queries of these tables wait from here on, and few of their rows are updated. The indexes were those of views that do not read
-- the tables any more.
DROP INDEX ride.vehicle_quarters_day_idx, ride.ride_outcomes_requested_quarter_idx;
ALTER TABLE ride.cell_quarters ADD COLUMN unmet_requests integer NOT NULL DEFAULT 0;
UPDATE ride.cell_quarters AS cells SET unmet_requests = unmet.requests
FROM (
  SELECT date_bin('15 minutes', requested_at, 'epoch') AS quarter, provider_id, h3_cell, count(*) AS requests
  FROM ride.ride_outcomes
  WHERE date_bin('15 minutes', requested_at, 'epoch') IS NOT NULL AND picked_up_at IS NULL AND reported_start_at IS NULL
  GROUP BY 1, 2, 3
) AS unmet
WHERE cells.quarter = unmet.quarter AND cells.provider_id = unmet.provider_id AND cells.h3_cell = unmet.h3_cell
  AND cells.requests > 0;
COMMENT ON COLUMN ride.cell_quarters.unmet_requests IS
  'Number of rides that were first requested then from the cell and had no pick-up. 0 if there are no requests.';

ALTER TABLE ride.state_periods ADD COLUMN period_ends_at timestamptz;
UPDATE ride.state_periods AS first_part SET period_ends_at = whole.ends_at
FROM (
  SELECT provider_id, device_id, event_at, event_id, max(ends_at) AS ends_at
  FROM ride.state_periods GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
) AS whole
WHERE first_part.provider_id = whole.provider_id AND first_part.device_id = whole.device_id
  AND first_part.event_at = whole.event_at AND first_part.event_id = whole.event_id
  AND first_part.hour = date_bin('1 hour', whole.event_at, 'epoch');
COMMENT ON COLUMN ride.state_periods.period_ends_at IS
  'End of the whole period, exclusive. Only in the first part of a period that ends after the hour, NULL in others.';

CREATE OR REPLACE VIEW analysis.cell_supply_demand AS
SELECT
  quarter,
  provider_id,
  to_hex(h3_cell) AS h3_cell,
  available_vehicles::bigint AS available_vehicles,
  available_seconds / 900 AS mean_available_vehicles,
  requests::bigint AS requests,
  unmet_requests::bigint AS unmet_requests,
  pick_ups::bigint AS pick_ups,
  drop_offs::bigint AS drop_offs
FROM ride.cell_quarters
WHERE available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0;

CREATE OR REPLACE VIEW analysis.zone_supply_demand AS
SELECT
  quarter,
  provider_id,
  zone_id,
  available_milliseconds / 900000::float8 AS mean_available_vehicles,
  requests::bigint AS requests,
  unmet_requests::bigint AS unmet_requests,
  pick_ups::bigint AS pick_ups,
  drop_offs::bigint AS drop_offs
FROM ride.zone_quarters;

CREATE OR REPLACE VIEW analysis.supply_demand AS
SELECT
  to_hex(h3_cell) AS h3_cell,
  quarter,
  available_vehicles::bigint AS available_vehicles,
  requests::bigint AS requests
FROM ride.cell_totals;

CREATE OR REPLACE VIEW analysis.waits AS
SELECT
  hour,
  provider_id,
  zone_id,
  requests::bigint AS requests,
  picked_up::bigint AS picked_up,
  median_wait_seconds,
  p90_wait_seconds
FROM ride.zone_hours;

CREATE OR REPLACE VIEW analysis.completion AS
SELECT
  hour,
  provider_id,
  zone_id,
  requests::bigint AS requests,
  completed::bigint AS completed,
  on_trip::bigint AS on_trip,
  open::bigint AS open,
  cancelled::bigint AS cancelled,
  cancelled_by_rider::bigint AS cancelled_by_rider,
  cancelled_by_driver::bigint AS cancelled_by_driver,
  cancelled_by_provider::bigint AS cancelled_by_provider,
  completed::float8 / nullif(completed + cancelled, 0) AS completion_share,
  median_cancelled_after_seconds
FROM ride.zone_hours;

-- Days of which periods may end after the newest event or position, beyond which nothing is known, are read themselves.
CREATE OR REPLACE VIEW analysis.vehicle_utilisation AS
SELECT
  device_id,
  day,
  vehicle_state,
  seconds,
  seconds / sum(seconds) OVER (PARTITION BY provider_id, device_id, day) AS share,
  provider_id
FROM (
  SELECT provider_id, device_id, day, vehicle_state, milliseconds / 1000::float8 AS seconds
  FROM ride.state_days
  WHERE day < (SELECT (newest_at AT TIME ZONE 'UTC')::date FROM ride.newest_signal)
  UNION ALL
  SELECT
    provider_id,
    device_id,
    day,
    vehicle_state,
    sum(date_part('epoch', least(ends_at, (SELECT newest_at FROM ride.newest_signal)) - starts_at))
  FROM ride.state_periods
  WHERE day >= (SELECT (newest_at AT TIME ZONE 'UTC')::date FROM ride.newest_signal)
    AND starts_at < least(ends_at, (SELECT newest_at FROM ride.newest_signal))
  GROUP BY provider_id, device_id, day, vehicle_state
) AS by_state;

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
  max(max_lateness_seconds) AS max_lateness_seconds,
  sum(duplicates)::bigint AS duplicates
FROM (
  SELECT
    day,
    provider_id,
    positions,
    0 AS vehicle_events,
    0 AS rider_events,
    0 AS trips,
    vehicles,
    0 AS rejects,
    silences,
    silence_seconds,
    received,
    late_1m,
    late_10m,
    late_1h,
    late_1d,
    lateness_seconds,
    max_lateness_seconds,
    0 AS duplicates
  FROM ride.position_days
  UNION ALL
  SELECT (quarter AT TIME ZONE 'UTC')::date, provider_id, 0, sum(vehicle_events), sum(rider_events), sum(trips),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0
  FROM ride.provider_quarters
  GROUP BY 1, 2
  UNION ALL
  SELECT
    (coalesce(received_at, rejected_at) AT TIME ZONE 'UTC')::date,
    lower(substring(encode(value, 'escape') FROM
      '"provider_id"\s*:\s*"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"'))::uuid,
    0, 0, 0, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0
  FROM ride.rejects
  GROUP BY 1, 2
  UNION ALL
  SELECT (hour AT TIME ZONE 'UTC')::date, provider_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, sum(records)
  FROM ride.duplicates
  GROUP BY 1, 2
) AS parts
GROUP BY day, provider_id;

CREATE OR REPLACE VIEW analysis.vehicle_state_periods AS
SELECT
  device_id,
  vehicle_state,
  event_at AS starts_at,
  least(coalesce(period_ends_at, ends_at), (SELECT newest_at FROM ride.newest_signal)) AS ends_at,
  provider_id
FROM ride.state_periods
WHERE starts_at = event_at;

-- The differences of a trip are calculated once, and not in each expression that has them. OFFSET 0 keeps the planner from
-- repeating their expression.
CREATE OR REPLACE VIEW analysis.trip_comparison AS
WITH compared AS (
  SELECT
    coalesce(reported.provider_id, rebuilt.provider_id) AS provider_id,
    coalesce(reported.trip_id, rebuilt.trip_id) AS trip_id,
    rebuilt.state,
    reported.trip_id IS NOT NULL AS is_reported,
    reported.device_id AS reported_device_id,
    rebuilt.device_id,
    reported.start_time AS reported_start_time,
    rebuilt.picked_up_at,
    date_part('epoch', reported.start_time - rebuilt.picked_up_at) AS start_difference_seconds,
    reported.end_time AS reported_end_time,
    rebuilt.dropped_off_at,
    date_part('epoch', reported.end_time - rebuilt.dropped_off_at) AS end_difference_seconds,
    reported.distance AS reported_distance,
    rebuilt.distance_meters,
    rebuilt.matched_distance,
    coalesce(rebuilt.matched_distance, rebuilt.distance_meters) AS driven_meters,
    coalesce(reported.actual_cost, reported.standard_cost) AS reported_cost,
    reported.currency AS reported_currency,
    rebuilt.cancelled_at,
    rebuilt.cancelled_by,
    reported.trip_attributes ? 'cancellation_reason' AS is_reported_as_cancelled
  FROM ride.trips AS reported
  FULL JOIN ride.rebuilt_trips AS rebuilt
    ON rebuilt.provider_id = reported.provider_id AND rebuilt.trip_id = reported.trip_id
), measured AS (
  SELECT
    *,
    reported_distance - driven_meters AS distance_difference_meters,
    100 * (reported_distance - driven_meters) / nullif(driven_meters, 0) AS distance_difference_percent
  FROM compared
)
SELECT
  provider_id, trip_id, state,
  CASE
    WHEN differences = '{}' THEN 'matches'
    WHEN 'missing' = ANY (differences) THEN 'missing'
    WHEN 'extra' = ANY (differences) THEN 'extra'
    ELSE 'differs'
  END AS verdict,
  differences,
  CASE WHEN differences = '{}' THEN '' ELSE concat_ws('; ',
    CASE WHEN 'missing' = ANY (differences) THEN format('the trip ended at %s, and the provider has not reported it', dropped_off_at) END,
    CASE WHEN 'extra' = ANY (differences) THEN CASE WHEN state IS NULL
      THEN 'the trip was reported, and no event names it'
      ELSE format('the trip was reported, and cancelled by the %s at %s', cancelled_by, cancelled_at) END END,
    CASE WHEN 'events_missing' = ANY (differences) THEN format('the trip was reported, and no event has its %s',
      CASE WHEN picked_up_at IS NULL AND dropped_off_at IS NULL THEN 'pick-up and drop-off'
        WHEN picked_up_at IS NULL THEN 'pick-up' WHEN dropped_off_at IS NULL THEN 'drop-off' ELSE 'drop-off after its pick-up' END) END,
    CASE WHEN 'fare_without_trip' = ANY (differences) THEN
      format('a fare of %s minor units of %s was reported for it', reported_cost, coalesce(reported_currency, 'an unknown currency')) END,
    CASE WHEN 'vehicle' = ANY (differences) THEN
      format('vehicle %s was reported, and the events are of %s', reported_device_id, device_id) END,
    CASE WHEN 'start_time' = ANY (differences) THEN format('it was reported to start %s s %s its pick-up',
      round(abs(start_difference_seconds)), CASE WHEN start_difference_seconds < 0 THEN 'before' ELSE 'after' END) END,
    CASE WHEN 'end_time' = ANY (differences) THEN format('it was reported to end %s s %s its drop-off',
      round(abs(end_difference_seconds)), CASE WHEN end_difference_seconds < 0 THEN 'before' ELSE 'after' END) END,
    CASE WHEN 'distance' = ANY (differences) THEN format('%s m were reported, and %s m were driven',
      reported_distance, round(driven_meters)) END
  ) END AS explanation,
  reported_device_id, device_id, reported_start_time, picked_up_at, start_difference_seconds, reported_end_time,
  dropped_off_at, end_difference_seconds, reported_distance, distance_meters, distance_difference_meters,
  distance_difference_percent, reported_cost, reported_currency, matched_distance,
  CASE WHEN matched_distance IS NOT NULL THEN 'roads' WHEN distance_meters IS NOT NULL THEN 'telemetry' END AS compared_with
FROM measured
CROSS JOIN LATERAL (
  SELECT array_remove(ARRAY[
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
  OFFSET 0
) AS judged
WHERE is_reported OR state = 'completed';
