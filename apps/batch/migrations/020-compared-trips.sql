-- The comparison of reported and rebuilt trips is kept. It took longer than a second for thirty days with 100 million positions.

CREATE TABLE ride.compared_trips (
  provider_id uuid NOT NULL,
  trip_id uuid NOT NULL,
  reported_device_id uuid,
  device_id uuid,
  reported_start_time timestamptz,
  reported_end_time timestamptz,
  picked_up_at timestamptz,
  dropped_off_at timestamptz,
  cancelled_at timestamptz,
  start_difference_seconds double precision,
  end_difference_seconds double precision,
  distance_meters double precision,
  matched_distance double precision,
  distance_difference_meters double precision,
  distance_difference_percent double precision,
  reported_cost bigint,
  reported_distance integer,
  state text,
  cancelled_by text,
  reported_currency text,
  verdict text NOT NULL,
  differences text[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- Written in the transaction of what changes a trip, and deleted in the transaction that compares it again.
CREATE TABLE ride.comparison_marks (
  mark_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider_id uuid NOT NULL,
  trip_id uuid NOT NULL,
  end_time timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- From here on, loads of trips and rebuilds wait. Queries do not.
LOCK TABLE ride.trips, ride.rebuilt_trips IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO ride.compared_trips (provider_id, trip_id, reported_device_id, device_id, reported_start_time, reported_end_time,
  picked_up_at, dropped_off_at, cancelled_at, start_difference_seconds, end_difference_seconds, distance_meters, matched_distance,
  distance_difference_meters, distance_difference_percent, reported_cost, reported_distance, state, cancelled_by,
  reported_currency, verdict, differences)
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
SELECT provider_id, trip_id, reported_device_id, device_id, reported_start_time, reported_end_time,
  picked_up_at, dropped_off_at, cancelled_at, start_difference_seconds, end_difference_seconds, distance_meters, matched_distance,
  distance_difference_meters, distance_difference_percent, reported_cost, reported_distance, state, cancelled_by,
  reported_currency,
  CASE
    WHEN differences = '{}' THEN 'matches'
    WHEN 'missing' = ANY (differences) THEN 'missing'
    WHEN 'extra' = ANY (differences) THEN 'extra'
    ELSE 'differs'
  END,
  differences
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
WHERE is_reported OR state = 'completed'
ORDER BY coalesce(reported_end_time, dropped_off_at);
-- A trip that was loaded with two end times has two rows.
ALTER TABLE ride.compared_trips ADD UNIQUE NULLS NOT DISTINCT (provider_id, trip_id, reported_end_time);
CREATE INDEX compared_trips_reported_end_time_idx ON ride.compared_trips (reported_end_time);

COMMENT ON TABLE ride.compared_trips IS
  'Trips as providers report them (ride.trips) against the trips of the events (ride.rebuilt_trips), as analysis.trip_comparison returns them. One row is one reported trip, or one completed trip that was not reported.';
COMMENT ON COLUMN ride.compared_trips.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.compared_trips.trip_id IS 'Id of the trip, unique for its provider.';
COMMENT ON COLUMN ride.compared_trips.reported_device_id IS 'Vehicle that the provider reported.';
COMMENT ON COLUMN ride.compared_trips.device_id IS 'Vehicle of the events.';
COMMENT ON COLUMN ride.compared_trips.reported_start_time IS 'Start that the provider reported.';
COMMENT ON COLUMN ride.compared_trips.reported_end_time IS 'End that the provider reported. NULL if it has not reported the trip.';
COMMENT ON COLUMN ride.compared_trips.picked_up_at IS 'Time of the pick-up event.';
COMMENT ON COLUMN ride.compared_trips.dropped_off_at IS 'Time of the drop-off event.';
COMMENT ON COLUMN ride.compared_trips.cancelled_at IS 'Time of the cancellation. NULL if the rebuilt trip is not cancelled.';
COMMENT ON COLUMN ride.compared_trips.start_difference_seconds IS 'Reported start minus pick-up, in seconds.';
COMMENT ON COLUMN ride.compared_trips.end_difference_seconds IS 'Reported end minus drop-off, in seconds.';
COMMENT ON COLUMN ride.compared_trips.distance_meters IS 'Distance along the telemetry, in metres. NULL if it is not known.';
COMMENT ON COLUMN ride.compared_trips.matched_distance IS 'Distance on the roads, in metres. NULL if it is not known.';
COMMENT ON COLUMN ride.compared_trips.distance_difference_meters IS
  'Reported distance minus matched_distance, or minus distance_meters without it, in metres.';
COMMENT ON COLUMN ride.compared_trips.distance_difference_percent IS 'The same in percent of the distance that was driven.';
COMMENT ON COLUMN ride.compared_trips.reported_cost IS
  'Reported cost, in minor units of the currency: actual_cost, or standard_cost without one.';
COMMENT ON COLUMN ride.compared_trips.reported_distance IS 'Distance that the provider reported, in metres.';
COMMENT ON COLUMN ride.compared_trips.state IS 'State of the rebuilt trip. NULL if no event names the trip.';
COMMENT ON COLUMN ride.compared_trips.cancelled_by IS 'rider, driver or provider. NULL if the rebuilt trip is not cancelled.';
COMMENT ON COLUMN ride.compared_trips.reported_currency IS 'Currency of the cost, ISO 4217.';
COMMENT ON COLUMN ride.compared_trips.verdict IS
  'matches; missing: not reported; extra: reported, but cancelled or without events; differs: see differences.';
COMMENT ON COLUMN ride.compared_trips.differences IS
  'missing, extra, events_missing (the pick-up or drop-off), fare_without_trip, vehicle, start_time, end_time, distance.';

COMMENT ON TABLE ride.comparison_marks IS
  'Trips that are compared again after the current load, because their report or their rebuilt trip was written, changed or deleted.';
COMMENT ON COLUMN ride.comparison_marks.mark_id IS 'Number of the mark.';
COMMENT ON COLUMN ride.comparison_marks.provider_id IS 'Provider of the trip.';
COMMENT ON COLUMN ride.comparison_marks.trip_id IS 'Trip.';
COMMENT ON COLUMN ride.comparison_marks.end_time IS
  'End of the trip in the report, by which ride.trips is partitioned. NULL if the rebuilt trip has changed.';

-- Only the words are calculated: times in them are those of the time zone of the session.
CREATE OR REPLACE VIEW analysis.trip_comparison AS
SELECT
  provider_id, trip_id, state, verdict, differences,
  CASE WHEN verdict = 'matches' THEN '' ELSE concat_ws('; ',
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
      reported_distance, round(coalesce(matched_distance, distance_meters))) END
  ) END AS explanation,
  reported_device_id, device_id, reported_start_time, picked_up_at, start_difference_seconds, reported_end_time,
  dropped_off_at, end_difference_seconds, reported_distance, distance_meters, distance_difference_meters,
  distance_difference_percent, reported_cost, reported_currency, matched_distance,
  CASE WHEN matched_distance IS NOT NULL THEN 'roads' WHEN distance_meters IS NOT NULL THEN 'telemetry' END AS compared_with
FROM ride.compared_trips;
