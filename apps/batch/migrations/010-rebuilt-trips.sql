-- Trips rebuilt from the events of vehicles and riders and from telemetry, independent of the trips that providers report.
--
-- No table is rewritten, and no index of existing rows is built in this transaction. Rows that are loaded already are not
-- marked: the command rebuild-trips rebuilds their trips.

-- ONLY: the indexes of existing partitions are built after the migrations.
CREATE INDEX rider_events_trip_id_idx ON ONLY ride.rider_events (trip_id);

CREATE TABLE ride.rebuilt_trips (
  provider_id uuid NOT NULL,
  trip_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('completed', 'cancelled', 'in_progress', 'incomplete')),
  rider_id uuid,
  device_id uuid,
  device_ids uuid[] NOT NULL,
  requested_at timestamptz,
  assigned_at timestamptz,
  picked_up_at timestamptz,
  dropped_off_at timestamptz,
  cancelled_at timestamptz,
  cancelled_by text CHECK (cancelled_by IN ('rider', 'driver', 'provider')),
  wait_seconds double precision,
  duration_seconds double precision,
  distance_meters double precision,
  mean_speed double precision,
  max_speed double precision,
  dwell_seconds double precision,
  deadhead_seconds double precision,
  deadhead_meters double precision,
  pickup_lat double precision,
  pickup_lng double precision,
  dropoff_lat double precision,
  dropoff_lng double precision,
  route text,
  silent_from timestamptz[] NOT NULL,
  silent_to timestamptz[] NOT NULL,
  events integer NOT NULL,
  points integer NOT NULL,
  first_event_at timestamptz NOT NULL,
  last_event_at timestamptz NOT NULL,
  telemetry_from timestamptz,
  telemetry_to timestamptz,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (provider_id, trip_id)
);
-- The trips that a position of a vehicle belongs to, and those that a later event of a vehicle may end.
CREATE INDEX rebuilt_trips_telemetry_idx ON ride.rebuilt_trips (device_id, telemetry_to) WHERE telemetry_to IS NOT NULL;
CREATE INDEX rebuilt_trips_in_progress_idx ON ride.rebuilt_trips (device_id, last_event_at) WHERE state = 'in_progress';
CREATE INDEX rebuilt_trips_updated_at_idx ON ride.rebuilt_trips (updated_at);

-- What was loaded since the trips were rebuilt. Written in the transaction of the rows, and deleted in the transaction that
-- rebuilds the trips: a rebuild that was interrupted is continued by the next one.
CREATE TABLE ride.trip_marks (
  mark_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider_id uuid NOT NULL,
  trip_id uuid NOT NULL,
  device_id uuid,
  from_time timestamptz,
  to_time timestamptz
);
CREATE INDEX trip_marks_trip_id_idx ON ride.trip_marks (trip_id);

CREATE TABLE ride.vehicle_marks (
  mark_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider_id uuid NOT NULL,
  device_id uuid NOT NULL,
  source text NOT NULL CHECK (source IN ('telemetry', 'vehicle_events')),
  from_time timestamptz NOT NULL,
  to_time timestamptz NOT NULL
);

COMMENT ON TABLE ride.rebuilt_trips IS
  'Trips rebuilt from vehicle events, rider events and telemetry, whatever providers report. One row is one trip of one provider. Brought up to date after each load, late events included.';
COMMENT ON COLUMN ride.rebuilt_trips.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.rebuilt_trips.trip_id IS 'Id of the trip, unique for its provider and stable.';
COMMENT ON COLUMN ride.rebuilt_trips.state IS
  'completed: picked up and dropped off. cancelled: by any party, and not continued. in_progress: not ended, and the last event is at most 24 hours old. incomplete: events are missing, because its end has no start, its vehicle has done something else since, or nothing was heard for 24 hours.';
COMMENT ON COLUMN ride.rebuilt_trips.rider_id IS 'Rider. NULL without an event of the rider.';
COMMENT ON COLUMN ride.rebuilt_trips.device_id IS
  'Vehicle that picked up the rider; without a pick-up, the last vehicle that was reserved. NULL without an event of a vehicle.';
COMMENT ON COLUMN ride.rebuilt_trips.device_ids IS 'All vehicles that had events of the trip.';
COMMENT ON COLUMN ride.rebuilt_trips.requested_at IS 'First ride_request.';
COMMENT ON COLUMN ride.rebuilt_trips.assigned_at IS
  'Last reservation_start of the vehicle, not after the pick-up.';
COMMENT ON COLUMN ride.rebuilt_trips.picked_up_at IS 'First trip_start.';
COMMENT ON COLUMN ride.rebuilt_trips.dropped_off_at IS 'Last trip_end.';
COMMENT ON COLUMN ride.rebuilt_trips.cancelled_at IS
  'First cancellation after which no vehicle was reserved or on the trip. NULL if the trip is not cancelled.';
COMMENT ON COLUMN ride.rebuilt_trips.cancelled_by IS
  'rider (ride_cancel or passenger_cancellation), driver or provider.';
COMMENT ON COLUMN ride.rebuilt_trips.wait_seconds IS 'Time from the request to the pick-up, in seconds.';
COMMENT ON COLUMN ride.rebuilt_trips.duration_seconds IS 'Time from the pick-up to the drop-off, in seconds.';
COMMENT ON COLUMN ride.rebuilt_trips.distance_meters IS
  'Way from the pick-up to the drop-off along the telemetry, in metres on the WGS 84 ellipsoid. Positions are smoothed, and the way of a vehicle that stands is 0. NULL if the trip is not completed, has no telemetry, or took longer than 24 hours.';
COMMENT ON COLUMN ride.rebuilt_trips.mean_speed IS
  'Distance by duration, in metres per second. Includes the time in which the vehicle stood.';
COMMENT ON COLUMN ride.rebuilt_trips.max_speed IS
  'Highest speed that telemetry reported between pick-up and drop-off, in metres per second.';
COMMENT ON COLUMN ride.rebuilt_trips.dwell_seconds IS
  'Time between pick-up and drop-off in which the vehicle stood, in seconds.';
COMMENT ON COLUMN ride.rebuilt_trips.deadhead_seconds IS
  'Time from the assignment to the pick-up, or to the cancellation if there was no pick-up, in seconds.';
COMMENT ON COLUMN ride.rebuilt_trips.deadhead_meters IS
  'Way of the vehicle from the assignment to the pick-up or cancellation, in metres, measured like distance_meters.';
COMMENT ON COLUMN ride.rebuilt_trips.pickup_lat IS 'Latitude of the pick-up, in degrees (WGS 84).';
COMMENT ON COLUMN ride.rebuilt_trips.pickup_lng IS 'Longitude of the pick-up, in degrees (WGS 84).';
COMMENT ON COLUMN ride.rebuilt_trips.dropoff_lat IS 'Latitude of the drop-off, in degrees (WGS 84).';
COMMENT ON COLUMN ride.rebuilt_trips.dropoff_lng IS 'Longitude of the drop-off, in degrees (WGS 84).';
COMMENT ON COLUMN ride.rebuilt_trips.route IS
  'Way from the pick-up to the drop-off, as an encoded polyline with a precision of five decimals, simplified to 5 metres.';
COMMENT ON COLUMN ride.rebuilt_trips.silent_from IS
  'Starts of the times between pick-up and drop-off of which there is no telemetry for more than 120 seconds.';
COMMENT ON COLUMN ride.rebuilt_trips.silent_to IS 'Ends of these times, in the same order.';
COMMENT ON COLUMN ride.rebuilt_trips.events IS 'Number of events of vehicles and riders that name the trip.';
COMMENT ON COLUMN ride.rebuilt_trips.points IS 'Number of telemetry points from telemetry_from to telemetry_to.';
COMMENT ON COLUMN ride.rebuilt_trips.first_event_at IS 'Time of the first event.';
COMMENT ON COLUMN ride.rebuilt_trips.last_event_at IS 'Time of the last event, which may be a rating.';
COMMENT ON COLUMN ride.rebuilt_trips.telemetry_from IS
  'Start of the time of which the telemetry of the vehicle belongs to the trip: the assignment, or the pick-up if the assignment is not known. NULL until the trip has ended.';
COMMENT ON COLUMN ride.rebuilt_trips.telemetry_to IS 'End of this time: the drop-off or the cancellation.';
COMMENT ON COLUMN ride.rebuilt_trips.updated_at IS
  'When a column of the row last changed. It increases from one change to the next, for incremental models.';

COMMENT ON TABLE ride.trip_marks IS
  'Trips that are rebuilt after the current load, because events of them were loaded.';
COMMENT ON COLUMN ride.trip_marks.mark_id IS 'Number of the mark.';
COMMENT ON COLUMN ride.trip_marks.provider_id IS 'Provider of the trip.';
COMMENT ON COLUMN ride.trip_marks.trip_id IS 'Trip.';
COMMENT ON COLUMN ride.trip_marks.device_id IS 'Vehicle of the events. NULL if they are of the rider.';
COMMENT ON COLUMN ride.trip_marks.from_time IS 'Time of the first loaded event. NULL if telemetry was loaded.';
COMMENT ON COLUMN ride.trip_marks.to_time IS 'Time of the last loaded event. NULL if telemetry was loaded.';

COMMENT ON TABLE ride.vehicle_marks IS
  'Times of vehicles of which rows were loaded. Their trips are rebuilt after the current load.';
COMMENT ON COLUMN ride.vehicle_marks.mark_id IS 'Number of the mark.';
COMMENT ON COLUMN ride.vehicle_marks.provider_id IS 'Provider of the vehicle.';
COMMENT ON COLUMN ride.vehicle_marks.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.vehicle_marks.source IS
  'telemetry: positions, which belong to trips at their time. vehicle_events: events, which may end trips before them.';
COMMENT ON COLUMN ride.vehicle_marks.from_time IS 'Time of the first loaded row.';
COMMENT ON COLUMN ride.vehicle_marks.to_time IS 'Time of the last loaded row.';

-- Analysis of rebuilt trips. Thresholds are constants of the views, named in their comments.

CREATE VIEW analysis.trip_comparison AS
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
    reported.distance - rebuilt.distance_meters AS distance_difference_meters,
    100 * (reported.distance - rebuilt.distance_meters) / nullif(rebuilt.distance_meters, 0)
      AS distance_difference_percent,
    coalesce(reported.actual_cost, reported.standard_cost) AS reported_cost,
    reported.currency AS reported_currency,
    rebuilt.cancelled_at,
    rebuilt.cancelled_by,
    reported.trip_attributes ? 'cancellation_reason' AS is_reported_as_cancelled
  FROM ride.trips AS reported
  FULL JOIN ride.rebuilt_trips AS rebuilt
    ON rebuilt.provider_id = reported.provider_id AND rebuilt.trip_id = reported.trip_id
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
      CASE WHEN abs(distance_difference_meters) > greatest(200, 0.1 * distance_meters) THEN 'distance' END
    ], NULL) AS differences
  FROM compared
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
      reported_distance, round(distance_meters)) END
  ) AS explanation,
  reported_device_id, device_id, reported_start_time, picked_up_at, start_difference_seconds, reported_end_time,
  dropped_off_at, end_difference_seconds, reported_distance, distance_meters, distance_difference_meters,
  distance_difference_percent, reported_cost, reported_currency
FROM judged;

CREATE VIEW analysis.vehicle_transitions (from_state, to_state, event_type) AS VALUES
  ('available', 'elsewhere', 'trip_leave_jurisdiction'),
  ('available', 'non_contactable', 'comms_lost'),
  ('available', 'non_operational', 'service_end'),
  ('available', 'reserved', 'reservation_start'),
  ('elsewhere', 'available', 'trip_enter_jurisdiction'),
  ('elsewhere', 'non_contactable', 'comms_lost'),
  ('elsewhere', 'non_operational', 'trip_enter_jurisdiction'),
  ('elsewhere', 'on_trip', 'trip_enter_jurisdiction'),
  ('elsewhere', 'reserved', 'trip_enter_jurisdiction'),
  ('non_contactable', 'available', 'comms_restored'),
  ('non_contactable', 'elsewhere', 'comms_restored'),
  ('non_contactable', 'non_operational', 'comms_restored'),
  ('non_contactable', 'on_trip', 'comms_restored'),
  ('non_contactable', 'removed', 'comms_restored'),
  ('non_contactable', 'reserved', 'comms_restored'),
  ('non_contactable', 'stopped', 'comms_restored'),
  ('non_operational', 'available', 'service_start'),
  ('non_operational', 'elsewhere', 'trip_leave_jurisdiction'),
  ('non_operational', 'non_contactable', 'comms_lost'),
  ('non_operational', 'non_operational', 'maintenance'),
  ('non_operational', 'non_operational', 'maintenance_end'),
  ('non_operational', 'removed', 'maintenance_pick_up'),
  ('non_operational', 'removed', 'decommissioned'),
  ('on_trip', 'elsewhere', 'trip_leave_jurisdiction'),
  ('on_trip', 'non_contactable', 'comms_lost'),
  ('on_trip', 'stopped', 'trip_stop'),
  ('removed', 'non_contactable', 'comms_lost'),
  ('removed', 'non_operational', 'maintenance_end'),
  ('removed', 'non_operational', 'recommissioned'),
  ('reserved', 'available', 'driver_cancellation'),
  ('reserved', 'available', 'passenger_cancellation'),
  ('reserved', 'available', 'provider_cancellation'),
  ('reserved', 'elsewhere', 'trip_leave_jurisdiction'),
  ('reserved', 'non_contactable', 'comms_lost'),
  ('reserved', 'stopped', 'reservation_stop'),
  ('stopped', 'available', 'driver_cancellation'),
  ('stopped', 'available', 'passenger_cancellation'),
  ('stopped', 'available', 'provider_cancellation'),
  ('stopped', 'available', 'trip_end'),
  ('stopped', 'non_contactable', 'comms_lost'),
  ('stopped', 'on_trip', 'trip_resume'),
  ('stopped', 'on_trip', 'trip_start');

-- A query of a period reads its partitions only: the event before each event is looked up.
CREATE VIEW analysis.state_violations AS
SELECT
  events.provider_id,
  events.device_id,
  previous.event_id AS previous_event_id,
  previous.vehicle_state AS previous_state,
  previous."timestamp" AS previous_time,
  events.event_id,
  events.vehicle_state,
  events.event_types,
  events."timestamp"
FROM ride.vehicle_events AS events
CROSS JOIN LATERAL (
  SELECT earlier.event_id, earlier.vehicle_state, earlier."timestamp"
  FROM ride.vehicle_events AS earlier
  WHERE earlier.device_id = events.device_id AND earlier.provider_id = events.provider_id
    AND earlier."timestamp" <= events."timestamp"
    AND (earlier."timestamp", earlier.event_id) < (events."timestamp", events.event_id)
  ORDER BY earlier."timestamp" DESC, earlier.event_id DESC
  LIMIT 1
) AS previous
WHERE NOT EXISTS (
  WITH RECURSIVE reached (state, steps) AS (
    SELECT previous.vehicle_state, 0
    UNION
    SELECT transitions.to_state, reached.steps + 1
    FROM reached JOIN analysis.vehicle_transitions AS transitions
      ON transitions.from_state = reached.state AND transitions.event_type = events.event_types[reached.steps + 1]
  )
  SELECT FROM reached WHERE steps = cardinality(events.event_types) AND state = events.vehicle_state
);

CREATE VIEW analysis.trip_gaps AS
SELECT
  provider_id, trip_id, device_id, silence.starts_at, silence.ends_at,
  extract(epoch FROM silence.ends_at - silence.starts_at)::float8 AS seconds
FROM ride.rebuilt_trips, unnest(silent_from, silent_to) AS silence (starts_at, ends_at);

COMMENT ON VIEW analysis.trip_comparison IS
  'Trips as providers report them (ride.trips) against the trips of the events (ride.rebuilt_trips). One row is one reported trip, or one completed trip that was not reported. Times differ if they are more than 60 seconds apart. Distances differ if they are more than 10 percent of the rebuilt distance, and more than 200 metres, apart.';
COMMENT ON COLUMN analysis.trip_comparison.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN analysis.trip_comparison.trip_id IS 'Id of the trip, unique for its provider.';
COMMENT ON COLUMN analysis.trip_comparison.state IS 'State of the rebuilt trip. NULL if no event names the trip.';
COMMENT ON COLUMN analysis.trip_comparison.verdict IS
  'matches; missing: not reported; extra: reported, but cancelled or without events; differs: see differences.';
COMMENT ON COLUMN analysis.trip_comparison.differences IS
  'missing, extra, events_missing (the pick-up or drop-off), fare_without_trip, vehicle, start_time, end_time, distance.';
COMMENT ON COLUMN analysis.trip_comparison.explanation IS 'The differences in words. Empty if there are none.';
COMMENT ON COLUMN analysis.trip_comparison.reported_device_id IS 'Vehicle that the provider reported.';
COMMENT ON COLUMN analysis.trip_comparison.device_id IS 'Vehicle of the events.';
COMMENT ON COLUMN analysis.trip_comparison.reported_start_time IS 'Start that the provider reported.';
COMMENT ON COLUMN analysis.trip_comparison.picked_up_at IS 'Time of the pick-up event.';
COMMENT ON COLUMN analysis.trip_comparison.start_difference_seconds IS
  'Reported start minus pick-up, in seconds.';
COMMENT ON COLUMN analysis.trip_comparison.reported_end_time IS 'End that the provider reported.';
COMMENT ON COLUMN analysis.trip_comparison.dropped_off_at IS 'Time of the drop-off event.';
COMMENT ON COLUMN analysis.trip_comparison.end_difference_seconds IS 'Reported end minus drop-off, in seconds.';
COMMENT ON COLUMN analysis.trip_comparison.reported_distance IS 'Distance that the provider reported, in metres.';
COMMENT ON COLUMN analysis.trip_comparison.distance_meters IS
  'Distance along the telemetry, in metres. NULL if it is not known.';
COMMENT ON COLUMN analysis.trip_comparison.distance_difference_meters IS
  'Reported minus rebuilt distance, in metres.';
COMMENT ON COLUMN analysis.trip_comparison.distance_difference_percent IS
  'Reported minus rebuilt distance, in percent of the rebuilt distance.';
COMMENT ON COLUMN analysis.trip_comparison.reported_cost IS
  'Reported cost, in minor units of the currency: actual_cost, or standard_cost without one.';
COMMENT ON COLUMN analysis.trip_comparison.reported_currency IS 'Currency of the cost, ISO 4217.';

COMMENT ON VIEW analysis.vehicle_transitions IS
  'Valid transitions of the state of a vehicle: MDS 2.0.2, mode passenger services.';
COMMENT ON COLUMN analysis.vehicle_transitions.from_state IS 'State before the event.';
COMMENT ON COLUMN analysis.vehicle_transitions.to_state IS 'State after the event.';
COMMENT ON COLUMN analysis.vehicle_transitions.event_type IS 'Type of the event.';

COMMENT ON VIEW analysis.state_violations IS
  'Events of vehicles that cannot follow the event before them in the state machine of MDS. Events of one vehicle are ordered by time and id. Add a condition on "timestamp" for a period.';
COMMENT ON COLUMN analysis.state_violations.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN analysis.state_violations.device_id IS 'Vehicle.';
COMMENT ON COLUMN analysis.state_violations.previous_event_id IS 'Id of the event before.';
COMMENT ON COLUMN analysis.state_violations.previous_state IS 'State after the event before.';
COMMENT ON COLUMN analysis.state_violations.previous_time IS 'Time of the event before.';
COMMENT ON COLUMN analysis.state_violations.event_id IS 'Id of the event that cannot follow.';
COMMENT ON COLUMN analysis.state_violations.vehicle_state IS 'State after that event.';
COMMENT ON COLUMN analysis.state_violations.event_types IS 'What happened, in order.';
COMMENT ON COLUMN analysis.state_violations."timestamp" IS 'Time of that event.';

COMMENT ON VIEW analysis.trip_gaps IS
  'Times between the pick-up and drop-off of completed trips of which there is no telemetry of the vehicle for more than 120 seconds.';
COMMENT ON COLUMN analysis.trip_gaps.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN analysis.trip_gaps.trip_id IS 'Trip.';
COMMENT ON COLUMN analysis.trip_gaps.device_id IS 'Vehicle.';
COMMENT ON COLUMN analysis.trip_gaps.starts_at IS 'Last position before the gap, or the pick-up.';
COMMENT ON COLUMN analysis.trip_gaps.ends_at IS 'First position after the gap, or the drop-off.';
COMMENT ON COLUMN analysis.trip_gaps.seconds IS 'Length of the gap, in seconds.';
