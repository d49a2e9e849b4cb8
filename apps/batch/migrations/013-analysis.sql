-- Answers to standing questions, from the aggregates. Everything is by event time; hours, quarters and days are UTC. A condition
-- on the time column of a view is applied to an index of the aggregates.

CREATE TABLE ride.zones (
  zone_id text PRIMARY KEY,
  name text NOT NULL,
  geometry jsonb NOT NULL,
  loaded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE ride.zone_cells (
  h3_cell bigint NOT NULL,
  zone_id text NOT NULL REFERENCES ride.zones ON DELETE CASCADE,
  PRIMARY KEY (h3_cell, zone_id)
);
CREATE INDEX zone_cells_zone_id_idx ON ride.zone_cells (zone_id);

COMMENT ON TABLE ride.zones IS 'Zones of the city, by which views of schema analysis group. Written by the command zones load.';
COMMENT ON COLUMN ride.zones.zone_id IS 'Id of the zone: its name in lower case, with hyphens.';
COMMENT ON COLUMN ride.zones.name IS 'Name of the zone.';
COMMENT ON COLUMN ride.zones.geometry IS 'Outline as a GeoJSON geometry: Polygon or MultiPolygon.';
COMMENT ON COLUMN ride.zones.loaded_at IS 'When the zone was loaded.';
COMMENT ON TABLE ride.zone_cells IS 'H3 cells whose centre is in a zone.';
COMMENT ON COLUMN ride.zone_cells.h3_cell IS 'H3 cell at resolution 9. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.zone_cells.zone_id IS 'Zone.';

-- The four first views keep their names and columns.

CREATE OR REPLACE VIEW analysis.trips_per_hour AS
SELECT
  date_bin('1 hour', reported_start_at, 'epoch') AS hour,
  count(*) AS trips,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM reported_start_at - requested_at)::float8)
    AS median_wait_seconds,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY duration::float8) AS median_duration_seconds
FROM ride.ride_outcomes
WHERE date_bin('1 hour', reported_start_at, 'epoch') IS NOT NULL
GROUP BY 1;

-- Nothing is known beyond the newest event or position of any vehicle.
CREATE VIEW ride.newest_signal AS
SELECT greatest(
  (SELECT max(event_at) FROM ride.state_periods),
  (SELECT max(last_at) FROM ride.vehicle_quarters WHERE quarter = (SELECT max(quarter) FROM ride.vehicle_quarters))
) AS newest_at;

CREATE OR REPLACE VIEW analysis.vehicle_state_periods AS
SELECT
  device_id,
  vehicle_state,
  event_at AS starts_at,
  least(max(ends_at), (SELECT newest_at FROM ride.newest_signal)) AS ends_at,
  provider_id
FROM ride.state_periods
GROUP BY provider_id, device_id, event_at, event_id, vehicle_state;

CREATE OR REPLACE VIEW analysis.vehicle_utilisation AS
WITH newest AS MATERIALIZED (
  SELECT newest_at FROM ride.newest_signal
)
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
    sum(extract(epoch FROM least(ends_at, newest_at) - starts_at)::float8) AS seconds
  FROM ride.state_periods CROSS JOIN newest
  WHERE starts_at < least(ends_at, newest_at)
  GROUP BY provider_id, device_id, day, vehicle_state
) AS by_state;

CREATE OR REPLACE VIEW analysis.supply_demand AS
SELECT
  to_hex(h3_cell) AS h3_cell,
  quarter,
  sum(available_vehicles)::bigint AS available_vehicles,
  sum(requests)::bigint AS requests
FROM ride.cell_quarters
WHERE available_vehicles > 0 OR requests > 0
GROUP BY cell_quarters.h3_cell, quarter;

CREATE VIEW analysis.rides AS
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
  extract(epoch FROM coalesce(picked_up_at, reported_start_at) - requested_at)::float8 AS wait_seconds,
  CASE WHEN assigned_at <= coalesce(picked_up_at, reported_start_at)
    THEN extract(epoch FROM coalesce(picked_up_at, reported_start_at) - assigned_at)::float8 END AS approach_seconds,
  extract(epoch FROM coalesce(ended_at, reported_end_at) - coalesce(picked_up_at, reported_start_at))::float8 AS ride_seconds,
  CASE WHEN coalesce(picked_up_at, ended_at, reported_end_at) IS NULL
    THEN extract(epoch FROM cancelled_at - requested_at)::float8 END AS cancelled_after_seconds
FROM ride.ride_outcomes;

CREATE VIEW analysis.waits AS
SELECT
  requested_hour AS hour,
  provider_id,
  zone_id,
  count(*) AS requests,
  count(picked_up_at) AS picked_up,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_seconds) AS median_wait_seconds,
  percentile_cont(0.9) WITHIN GROUP (ORDER BY wait_seconds) AS p90_wait_seconds
FROM analysis.rides
LEFT JOIN ride.zone_cells ON to_hex(zone_cells.h3_cell) = rides.h3_cell
WHERE requested_hour IS NOT NULL
GROUP BY requested_hour, provider_id, zone_id;

CREATE VIEW analysis.completion AS
SELECT
  requested_hour AS hour,
  provider_id,
  zone_id,
  count(*) AS requests,
  count(*) FILTER (WHERE outcome = 'completed') AS completed,
  count(*) FILTER (WHERE outcome = 'on_trip') AS on_trip,
  count(*) FILTER (WHERE outcome = 'open') AS open,
  count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled,
  count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'rider') AS cancelled_by_rider,
  count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'driver') AS cancelled_by_driver,
  count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'provider') AS cancelled_by_provider,
  count(*) FILTER (WHERE outcome = 'completed')::float8
    / nullif(count(*) FILTER (WHERE outcome IN ('completed', 'cancelled')), 0) AS completion_share,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY cancelled_after_seconds) AS median_cancelled_after_seconds
FROM analysis.rides
LEFT JOIN ride.zone_cells ON to_hex(zone_cells.h3_cell) = rides.h3_cell
WHERE requested_hour IS NOT NULL
GROUP BY requested_hour, provider_id, zone_id;

CREATE VIEW analysis.utilisation AS
WITH newest AS MATERIALIZED (
  SELECT newest_at FROM ride.newest_signal
), by_state AS (
  SELECT
    hour,
    provider_id,
    vehicle_state,
    sum(extract(epoch FROM least(ends_at, newest_at) - starts_at)::float8) AS seconds
  FROM ride.state_periods CROSS JOIN newest
  WHERE starts_at < least(ends_at, newest_at)
  GROUP BY hour, provider_id, vehicle_state
), by_hour AS (
  SELECT
    hour,
    provider_id,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'available'), 0) AS available_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'reserved'), 0) AS reserved_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'on_trip'), 0) AS on_trip_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state = 'stopped'), 0) AS stopped_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state IN ('available', 'reserved', 'on_trip', 'stopped')), 0) AS working_seconds,
    coalesce(sum(seconds) FILTER (WHERE vehicle_state NOT IN ('available', 'reserved', 'on_trip', 'stopped')), 0) AS off_seconds
  FROM by_state
  GROUP BY hour, provider_id
)
SELECT
  *,
  working_seconds / 3600 AS working_vehicles,
  (on_trip_seconds + stopped_seconds) / nullif(working_seconds, 0) AS utilisation_share,
  (available_seconds + reserved_seconds) / nullif(working_seconds, 0) AS dead_heading_share
FROM by_hour;

-- Not a full join: a condition on its columns could not be applied to either side.
CREATE VIEW analysis.cell_supply_demand AS
SELECT
  quarter,
  provider_id,
  to_hex(parts.h3_cell) AS h3_cell,
  sum(available_vehicles)::bigint AS available_vehicles,
  sum(available_seconds) / 900 AS mean_available_vehicles,
  sum(requests)::bigint AS requests,
  sum(unmet_requests)::bigint AS unmet_requests,
  sum(pick_ups)::bigint AS pick_ups,
  sum(drop_offs)::bigint AS drop_offs
FROM (
  SELECT quarter, provider_id, h3_cell, available_vehicles, available_seconds, requests, 0 AS unmet_requests, pick_ups, drop_offs
  FROM ride.cell_quarters
  WHERE available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0
  UNION ALL
  SELECT date_bin('15 minutes', requested_at, 'epoch'), provider_id, h3_cell, 0, 0, 0, 1, 0, 0
  FROM ride.ride_outcomes
  WHERE date_bin('15 minutes', requested_at, 'epoch') IS NOT NULL AND picked_up_at IS NULL AND reported_start_at IS NULL
) AS parts
GROUP BY quarter, provider_id, parts.h3_cell;

CREATE VIEW analysis.zone_supply_demand AS
SELECT
  quarter,
  provider_id,
  zone_id,
  sum(mean_available_vehicles) AS mean_available_vehicles,
  sum(requests)::bigint AS requests,
  sum(unmet_requests)::bigint AS unmet_requests,
  sum(pick_ups)::bigint AS pick_ups,
  sum(drop_offs)::bigint AS drop_offs
FROM analysis.cell_supply_demand
LEFT JOIN ride.zone_cells ON to_hex(zone_cells.h3_cell) = cell_supply_demand.h3_cell
GROUP BY quarter, provider_id, zone_id;

CREATE VIEW analysis.cell_speeds AS
SELECT
  date_bin('1 hour', quarter, 'epoch') AS hour,
  provider_id,
  to_hex(h3_cell) AS h3_cell,
  sum(speed_count)::bigint AS positions,
  sum(speed_sum) / sum(speed_count) AS mean_speed,
  sum(moving_count)::bigint AS moving_positions,
  sum(moving_speed_sum) / nullif(sum(moving_count), 0) AS mean_moving_speed
FROM ride.cell_quarters
WHERE speed_count > 0
GROUP BY 1, 2, cell_quarters.h3_cell;

CREATE VIEW analysis.idle_hot_spots AS
SELECT
  date_bin('1 hour', quarter, 'epoch') AS hour,
  provider_id,
  to_hex(h3_cell) AS h3_cell,
  sum(available_seconds) AS idle_seconds,
  sum(requests)::bigint AS requests,
  sum(available_seconds) / nullif(sum(requests), 0) AS idle_seconds_per_request
FROM ride.cell_quarters
WHERE available_seconds > 0 OR requests > 0
GROUP BY 1, 2, cell_quarters.h3_cell
HAVING sum(available_seconds) > 0;

-- In schema ride, because roles that read schema analysis need no rights on functions.
CREATE FUNCTION ride.vehicles_needed(requests_per_hour float8, busy_seconds float8, approach_seconds float8, target_wait_seconds float8)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  -- Vehicles that are busy on average.
  offered float8 := requests_per_hour * busy_seconds / 3600;
  vehicles integer := 0;
  blocking float8 := 1;
  waiting float8;
BEGIN
  IF offered IS NULL OR approach_seconds IS NULL OR approach_seconds >= target_wait_seconds OR offered > 100000 THEN
    RETURN NULL;
  END IF;
  LOOP
    vehicles := vehicles + 1;
    -- Erlang B by its recursion, Erlang C from it.
    blocking := offered * blocking / (vehicles + offered * blocking);
    CONTINUE WHEN vehicles <= offered;
    waiting := blocking / (1 - offered / vehicles * (1 - blocking)) * busy_seconds / (vehicles - offered);
    EXIT WHEN approach_seconds + waiting <= target_wait_seconds;
  END LOOP;
  RETURN vehicles;
END $$;
COMMENT ON FUNCTION ride.vehicles_needed IS
  'Smallest number of vehicles with which the mean wait is at most the target, in seconds: the drive to the rider plus the wait for a free vehicle in a queue M/M/c (Erlang C). NULL if the drive alone takes as long as the target, or an argument is NULL.';

CREATE VIEW analysis.fleet_needed AS
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
  SELECT sum(extract(epoch FROM least(ends_at, newest_at) - starts_at)::float8) / 3600 AS working_vehicles
  FROM ride.state_periods, ride.newest_signal
  WHERE state_periods.hour = demand.hour AND state_periods.provider_id = demand.provider_id
    AND vehicle_state IN ('available', 'reserved', 'on_trip', 'stopped') AND starts_at < newest_at
) AS supply
CROSS JOIN (VALUES (180), (300), (600)) AS targets (target_wait_seconds);

CREATE VIEW analysis.earnings AS
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
  SELECT sum(extract(epoch FROM least(ends_at, newest_at) - starts_at)::float8) / 3600 AS working_vehicles
  FROM ride.state_periods, ride.newest_signal
  WHERE state_periods.hour = fares.hour AND state_periods.provider_id = fares.provider_id
    AND vehicle_state IN ('available', 'reserved', 'on_trip', 'stopped') AND starts_at < newest_at
) AS supply;

CREATE INDEX vehicle_quarters_day_idx ON ride.vehicle_quarters (((quarter AT TIME ZONE 'UTC')::date));

CREATE VIEW analysis.data_quality AS
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
    (quarter AT TIME ZONE 'UTC')::date AS day,
    provider_id,
    sum(positions) AS positions,
    0 AS vehicle_events,
    0 AS rider_events,
    0 AS trips,
    count(DISTINCT device_id) AS vehicles,
    0 AS rejects,
    count(*) FILTER (WHERE first_at - previous_at > interval '15 minutes' AND first_at - previous_at <= interval '24 hours') AS silences,
    coalesce(sum(extract(epoch FROM first_at - previous_at)::float8)
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

COMMENT ON VIEW ride.newest_signal IS 'Time of the newest event or position of any vehicle.';
COMMENT ON COLUMN ride.newest_signal.newest_at IS 'Time of the newest event or position.';

COMMENT ON VIEW analysis.rides IS 'Rides, one row per provider and trip_id: from the first request to the end or the cancellation. Trips that nobody requested (street hails) are included.';
COMMENT ON COLUMN analysis.rides.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.rides.trip_id IS 'Trip.';
COMMENT ON COLUMN analysis.rides.device_id IS 'Vehicle of the pick-up.';
COMMENT ON COLUMN analysis.rides.requested_at IS 'Time of the first request. NULL for street hails.';
COMMENT ON COLUMN analysis.rides.requested_hour IS 'Start of the hour (UTC) of the first request.';
COMMENT ON COLUMN analysis.rides.h3_cell IS 'H3 cell of the first request, at resolution 9, in hexadecimal.';
COMMENT ON COLUMN analysis.rides.assigned_at IS 'Time of the last assignment to a vehicle (reservation_start).';
COMMENT ON COLUMN analysis.rides.picked_up_at IS 'Time of the pick-up: first trip_start, or the start of the reported trip.';
COMMENT ON COLUMN analysis.rides.ended_at IS 'Time of the end: last trip_end, or the end of the reported trip.';
COMMENT ON COLUMN analysis.rides.cancelled_at IS 'Time of the last cancellation.';
COMMENT ON COLUMN analysis.rides.cancelled_by IS 'Who cancelled it: rider, driver or provider.';
COMMENT ON COLUMN analysis.rides.outcome IS 'completed: it has ended. on_trip: picked up and not ended. cancelled: cancelled and not picked up. open: none of these.';
COMMENT ON COLUMN analysis.rides.wait_seconds IS 'Time from the first request to the pick-up, in seconds.';
COMMENT ON COLUMN analysis.rides.approach_seconds IS 'Time from the last assignment to the pick-up, in seconds.';
COMMENT ON COLUMN analysis.rides.ride_seconds IS 'Time from the pick-up to the end, in seconds.';
COMMENT ON COLUMN analysis.rides.cancelled_after_seconds IS 'Time from the first request to the cancellation, in seconds. NULL unless it was cancelled before the pick-up.';

COMMENT ON VIEW analysis.waits IS 'Waiting times by hour of the first request, provider and zone.';
COMMENT ON COLUMN analysis.waits.hour IS 'Start of the hour (UTC) of the first request.';
COMMENT ON COLUMN analysis.waits.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.waits.zone_id IS 'Zone of the first request. NULL outside all zones.';
COMMENT ON COLUMN analysis.waits.requests IS 'Number of rides that were requested.';
COMMENT ON COLUMN analysis.waits.picked_up IS 'Number of them with a pick-up.';
COMMENT ON COLUMN analysis.waits.median_wait_seconds IS 'Median time from the first request to the pick-up, in seconds.';
COMMENT ON COLUMN analysis.waits.p90_wait_seconds IS '90th percentile of the time from the first request to the pick-up, in seconds.';

COMMENT ON VIEW analysis.completion IS 'Outcomes of requested rides by hour of the first request, provider and zone.';
COMMENT ON COLUMN analysis.completion.hour IS 'Start of the hour (UTC) of the first request.';
COMMENT ON COLUMN analysis.completion.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.completion.zone_id IS 'Zone of the first request. NULL outside all zones.';
COMMENT ON COLUMN analysis.completion.requests IS 'Number of rides that were requested.';
COMMENT ON COLUMN analysis.completion.completed IS 'Number of rides that ended.';
COMMENT ON COLUMN analysis.completion.on_trip IS 'Number of rides that were picked up and have not ended.';
COMMENT ON COLUMN analysis.completion.open IS 'Number of rides that were neither picked up nor cancelled.';
COMMENT ON COLUMN analysis.completion.cancelled IS 'Number of rides that were cancelled before a pick-up.';
COMMENT ON COLUMN analysis.completion.cancelled_by_rider IS 'Number of them cancelled by the rider.';
COMMENT ON COLUMN analysis.completion.cancelled_by_driver IS 'Number of them cancelled by the driver.';
COMMENT ON COLUMN analysis.completion.cancelled_by_provider IS 'Number of them cancelled by the provider.';
COMMENT ON COLUMN analysis.completion.completion_share IS 'completed / (completed + cancelled), 0 to 1.';
COMMENT ON COLUMN analysis.completion.median_cancelled_after_seconds IS 'Median time from the first request to the cancellation, in seconds.';

COMMENT ON VIEW analysis.utilisation IS 'How vehicles spent each hour, by provider.';
COMMENT ON COLUMN analysis.utilisation.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN analysis.utilisation.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.utilisation.available_seconds IS 'Time in state available, of all vehicles, in seconds.';
COMMENT ON COLUMN analysis.utilisation.reserved_seconds IS 'Time in state reserved, in seconds.';
COMMENT ON COLUMN analysis.utilisation.on_trip_seconds IS 'Time in state on_trip, in seconds.';
COMMENT ON COLUMN analysis.utilisation.stopped_seconds IS 'Time in state stopped, in seconds.';
COMMENT ON COLUMN analysis.utilisation.working_seconds IS 'Time in these four states, in seconds.';
COMMENT ON COLUMN analysis.utilisation.off_seconds IS 'Time in other states (non_operational, non_contactable, elsewhere, removed), in seconds.';
COMMENT ON COLUMN analysis.utilisation.working_vehicles IS 'Mean number of working vehicles: working_seconds / 3600.';
COMMENT ON COLUMN analysis.utilisation.utilisation_share IS 'Share of the working time in on_trip and stopped, 0 to 1.';
COMMENT ON COLUMN analysis.utilisation.dead_heading_share IS 'Share of the working time without a passenger, in available and reserved, 0 to 1.';

COMMENT ON VIEW analysis.cell_supply_demand IS 'Supply and demand by quarter of an hour, provider and H3 cell.';
COMMENT ON COLUMN analysis.cell_supply_demand.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.cell_supply_demand.mean_available_vehicles IS 'Mean number of available vehicles: time that vehicles were available, divided by 15 minutes. May be added up over cells.';
COMMENT ON COLUMN analysis.cell_supply_demand.requests IS 'Number of ride requests.';
COMMENT ON COLUMN analysis.cell_supply_demand.unmet_requests IS 'Number of rides that were first requested then and had no pick-up.';
COMMENT ON COLUMN analysis.cell_supply_demand.pick_ups IS 'Number of pick-ups (trip_start).';
COMMENT ON COLUMN analysis.cell_supply_demand.drop_offs IS 'Number of drop-offs (trip_end).';
COMMENT ON COLUMN analysis.cell_supply_demand.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN analysis.cell_supply_demand.h3_cell IS 'H3 cell at resolution 9, in hexadecimal.';
COMMENT ON COLUMN analysis.cell_supply_demand.available_vehicles IS 'Number of vehicles that were available at some time between their first and last position in the cell.';

COMMENT ON VIEW analysis.zone_supply_demand IS 'Supply and demand by quarter of an hour, provider and zone.';
COMMENT ON COLUMN analysis.zone_supply_demand.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.zone_supply_demand.mean_available_vehicles IS 'Mean number of available vehicles: time that vehicles were available, divided by 15 minutes. May be added up over cells.';
COMMENT ON COLUMN analysis.zone_supply_demand.requests IS 'Number of ride requests.';
COMMENT ON COLUMN analysis.zone_supply_demand.unmet_requests IS 'Number of rides that were first requested then and had no pick-up.';
COMMENT ON COLUMN analysis.zone_supply_demand.pick_ups IS 'Number of pick-ups (trip_start).';
COMMENT ON COLUMN analysis.zone_supply_demand.drop_offs IS 'Number of drop-offs (trip_end).';
COMMENT ON COLUMN analysis.zone_supply_demand.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN analysis.zone_supply_demand.zone_id IS 'Zone. NULL outside all zones.';

COMMENT ON VIEW analysis.fleet_needed IS 'Vehicles needed for a mean wait of 3, 5 and 10 minutes, by hour and provider. Model: the wait is the mean drive to the rider as it was in the hour, plus the wait for a free vehicle in a queue M/M/c (Erlang C). It assumes that any vehicle serves any rider, and that more vehicles do not shorten the drive.';
COMMENT ON COLUMN analysis.fleet_needed.hour IS 'Start of the hour (UTC) of the requests.';
COMMENT ON COLUMN analysis.fleet_needed.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.fleet_needed.target_wait_seconds IS 'Target of the mean wait, in seconds.';
COMMENT ON COLUMN analysis.fleet_needed.requests IS 'Number of rides that were requested.';
COMMENT ON COLUMN analysis.fleet_needed.mean_busy_seconds IS 'Mean time from the assignment to the end of a ride, in seconds.';
COMMENT ON COLUMN analysis.fleet_needed.mean_approach_seconds IS 'Mean time from the assignment to the pick-up, in seconds.';
COMMENT ON COLUMN analysis.fleet_needed.mean_wait_seconds IS 'Mean wait as it was, in seconds.';
COMMENT ON COLUMN analysis.fleet_needed.working_vehicles IS 'Mean number of working vehicles as it was.';
COMMENT ON COLUMN analysis.fleet_needed.vehicles_needed IS 'Vehicles needed by the model. NULL if the drive to the rider alone takes as long as the target, or no ride was completed.';

COMMENT ON VIEW analysis.cell_speeds IS 'Speeds that vehicles reported, by hour, provider and H3 cell.';
COMMENT ON COLUMN analysis.cell_speeds.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN analysis.cell_speeds.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.cell_speeds.h3_cell IS 'H3 cell at resolution 9, in hexadecimal.';
COMMENT ON COLUMN analysis.cell_speeds.positions IS 'Number of positions with a speed.';
COMMENT ON COLUMN analysis.cell_speeds.mean_speed IS 'Mean speed, in metres per second.';
COMMENT ON COLUMN analysis.cell_speeds.moving_positions IS 'Number of positions with a speed of at least 1 metre per second.';
COMMENT ON COLUMN analysis.cell_speeds.mean_moving_speed IS 'Mean speed of these, in metres per second.';

COMMENT ON VIEW analysis.idle_hot_spots IS 'Where vehicles are available without a ride, by hour, provider and H3 cell.';
COMMENT ON COLUMN analysis.idle_hot_spots.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN analysis.idle_hot_spots.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.idle_hot_spots.h3_cell IS 'H3 cell at resolution 9, in hexadecimal.';
COMMENT ON COLUMN analysis.idle_hot_spots.idle_seconds IS 'Time that vehicles were available in the cell, in seconds.';
COMMENT ON COLUMN analysis.idle_hot_spots.requests IS 'Number of ride requests from the cell.';
COMMENT ON COLUMN analysis.idle_hot_spots.idle_seconds_per_request IS 'idle_seconds / requests, in seconds. NULL without requests.';

COMMENT ON VIEW analysis.earnings IS 'Costs charged for reported trips by hour of their start, provider and currency, against the working time of the fleet. Empty without costs.';
COMMENT ON COLUMN analysis.earnings.hour IS 'Start of the hour (UTC) in which the trips started.';
COMMENT ON COLUMN analysis.earnings.provider_id IS 'Provider.';
COMMENT ON COLUMN analysis.earnings.currency IS 'Currency, ISO 4217.';
COMMENT ON COLUMN analysis.earnings.trips IS 'Number of trips with a cost.';
COMMENT ON COLUMN analysis.earnings.total_cost IS 'Sum of actual_cost, in minor units of currency (cents).';
COMMENT ON COLUMN analysis.earnings.mean_cost IS 'Mean of actual_cost, in minor units of currency (cents).';
COMMENT ON COLUMN analysis.earnings.working_vehicles IS 'Mean number of working vehicles in the hour, of all currencies.';
COMMENT ON COLUMN analysis.earnings.cost_per_vehicle_hour IS 'total_cost / working_vehicles: minor units of currency per hour in which a vehicle worked.';

COMMENT ON VIEW analysis.data_quality IS 'What was received, by day and provider.';
COMMENT ON COLUMN analysis.data_quality.day IS 'Day (UTC) of the event time; for rejects, of their receipt.';
COMMENT ON COLUMN analysis.data_quality.provider_id IS 'Provider. NULL for rejects of which it cannot be read.';
COMMENT ON COLUMN analysis.data_quality.positions IS 'Number of positions in ride.telemetry.';
COMMENT ON COLUMN analysis.data_quality.vehicle_events IS 'Number of rows in ride.vehicle_events.';
COMMENT ON COLUMN analysis.data_quality.rider_events IS 'Number of rows in ride.rider_events.';
COMMENT ON COLUMN analysis.data_quality.trips IS 'Number of rows in ride.trips.';
COMMENT ON COLUMN analysis.data_quality.vehicles IS 'Number of vehicles that sent positions.';
COMMENT ON COLUMN analysis.data_quality.rejects IS 'Number of records in ride.rejects.';
COMMENT ON COLUMN analysis.data_quality.silences IS 'Number of times that a vehicle sent no position for more than 15 minutes and at most 24 hours, on the day of the end.';
COMMENT ON COLUMN analysis.data_quality.silence_seconds IS 'Duration of these silences, in seconds.';
COMMENT ON COLUMN analysis.data_quality.late_1m IS 'Number of positions that were received more than a minute after their time.';
COMMENT ON COLUMN analysis.data_quality.late_10m IS 'Number of positions that were received more than 10 minutes after their time.';
COMMENT ON COLUMN analysis.data_quality.late_1h IS 'Number of positions that were received more than an hour after their time.';
COMMENT ON COLUMN analysis.data_quality.late_1d IS 'Number of positions that were received more than 24 hours after their time.';
COMMENT ON COLUMN analysis.data_quality.mean_lateness_seconds IS 'Mean time from a position to its receipt, in seconds. NULL if it is not known.';
COMMENT ON COLUMN analysis.data_quality.max_lateness_seconds IS 'Greatest time from a position to its receipt, in seconds.';

COMMENT ON VIEW analysis.vehicle_state_periods IS
  'Periods in which a vehicle was in one state. A period ends at the next event of the vehicle. Without one, or after a silence of more than 24 hours before it, it ends 2 hours after the last event or position of the vehicle.';
COMMENT ON COLUMN analysis.vehicle_state_periods.ends_at IS
  'End of the period, not after the newest event or position of any vehicle.';
COMMENT ON COLUMN analysis.trips_per_hour.trips IS 'Number of reported trips that started in the hour.';
