-- Distances of rebuilt trips on the roads, in addition to those along the positions.
--
-- No table is rewritten. The columns of existing trips are NULL: rebuild-trips matches them if BATCH_CITY is set.

ALTER TABLE ride.rebuilt_trips
  ADD COLUMN matched_distance double precision,
  ADD COLUMN matched_share double precision;

COMMENT ON COLUMN ride.rebuilt_trips.matched_distance IS
  'Way from the pick-up to the drop-off on the roads of BATCH_CITY, in metres on the WGS 84 ellipsoid. NULL without a city, and if the route does not follow the roads: it starts or ends off them, less than 95 percent of it is on them (matched_share), or its length contradicts distance_meters.';
COMMENT ON COLUMN ride.rebuilt_trips.matched_share IS
  'Share of the route that is on the roads of BATCH_CITY, from 0 to 1. NULL if the trip has no distance, or does not start and end in a city.';

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
    extract(epoch FROM reported.start_time - rebuilt.picked_up_at)::float8 AS start_difference_seconds,
    reported.end_time AS reported_end_time,
    rebuilt.dropped_off_at,
    extract(epoch FROM reported.end_time - rebuilt.dropped_off_at)::float8 AS end_difference_seconds,
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
), judged AS (
  SELECT
    *,
    array_remove(ARRAY[
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
  WHERE is_reported OR state = 'completed'
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
  concat_ws('; ',
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
  ) AS explanation,
  reported_device_id, device_id, reported_start_time, picked_up_at, start_difference_seconds, reported_end_time,
  dropped_off_at, end_difference_seconds, reported_distance, distance_meters, distance_difference_meters,
  distance_difference_percent, reported_cost, reported_currency, matched_distance,
  CASE WHEN matched_distance IS NOT NULL THEN 'roads' WHEN distance_meters IS NOT NULL THEN 'telemetry' END AS compared_with
FROM judged;

COMMENT ON VIEW analysis.trip_comparison IS
  'Trips as providers report them (ride.trips) against the trips of the events (ride.rebuilt_trips). One row is one reported trip, or one completed trip that was not reported. Times differ if they are more than 60 seconds apart. Distances differ if they are more than 10 percent of the rebuilt distance, and more than 200 metres, apart. The rebuilt distance is that on the roads if it is known, and that along the telemetry otherwise: see compared_with.';
COMMENT ON COLUMN analysis.trip_comparison.distance_difference_meters IS
  'Reported minus rebuilt distance (see compared_with), in metres.';
COMMENT ON COLUMN analysis.trip_comparison.distance_difference_percent IS
  'Reported minus rebuilt distance (see compared_with), in percent of the rebuilt distance.';
COMMENT ON COLUMN analysis.trip_comparison.matched_distance IS
  'Distance on the roads, in metres. NULL if it is not known.';
COMMENT ON COLUMN analysis.trip_comparison.compared_with IS
  'The distance that the reported one is compared with: roads (matched_distance) or telemetry (distance_meters). NULL if neither is known.';
