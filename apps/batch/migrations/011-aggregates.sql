-- Aggregates of what was loaded. A load records in its transaction which quarters of an hour (UTC) its rows are in, and the
-- aggregates of these quarters are calculated again after it. Each aggregate depends only on the rows that exist, so that
-- the order of loads has no effect.

-- Few pages are read for a range of time, because events are loaded roughly in the order of their time. ONLY: partitions
-- that exist are indexed after the migrations, each in its own transaction.
CREATE INDEX telemetry_timestamp_idx ON ONLY ride.telemetry USING brin ("timestamp") WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX vehicle_events_timestamp_idx ON ONLY ride.vehicle_events USING brin ("timestamp") WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX rider_events_timestamp_idx ON ONLY ride.rider_events USING brin ("timestamp") WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX trips_end_time_idx ON ONLY ride.trips USING brin (end_time) WITH (pages_per_range = 32, autosummarize = on);

-- No unique key: concurrent loads of the same quarter would wait for each other.
CREATE TABLE ride.stale_quarters (quarter timestamptz NOT NULL);

CREATE TABLE ride.vehicle_quarters (
  provider_id uuid NOT NULL,
  device_id uuid NOT NULL,
  quarter timestamptz NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  previous_at timestamptz,
  positions integer NOT NULL,
  received integer NOT NULL,
  late_1m integer NOT NULL,
  late_10m integer NOT NULL,
  late_1h integer NOT NULL,
  late_1d integer NOT NULL,
  lateness_seconds double precision NOT NULL,
  max_lateness_seconds double precision,
  PRIMARY KEY (provider_id, device_id, quarter)
);
CREATE INDEX vehicle_quarters_quarter_idx ON ride.vehicle_quarters (quarter);

CREATE TABLE ride.state_periods (
  provider_id uuid NOT NULL,
  device_id uuid NOT NULL,
  event_at timestamptz NOT NULL,
  event_id uuid NOT NULL,
  hour timestamptz NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  vehicle_state text NOT NULL,
  day date GENERATED ALWAYS AS ((hour AT TIME ZONE 'UTC')::date) STORED,
  PRIMARY KEY (provider_id, device_id, event_at, event_id, hour)
) WITH (fillfactor = 80);
CREATE INDEX state_periods_hour_idx ON ride.state_periods (hour);
CREATE INDEX state_periods_day_idx ON ride.state_periods (day);
CREATE INDEX state_periods_event_at_idx ON ride.state_periods (event_at);

CREATE TABLE ride.cell_quarters (
  quarter timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  h3_cell bigint NOT NULL,
  positions integer NOT NULL,
  vehicles integer NOT NULL,
  available_vehicles integer NOT NULL,
  available_seconds double precision NOT NULL,
  speed_count integer NOT NULL,
  speed_sum double precision NOT NULL,
  moving_count integer NOT NULL,
  moving_speed_sum double precision NOT NULL,
  requests integer NOT NULL,
  pick_ups integer NOT NULL,
  drop_offs integer NOT NULL,
  PRIMARY KEY (quarter, provider_id, h3_cell)
) WITH (fillfactor = 80);
CREATE INDEX cell_quarters_hour_idx ON ride.cell_quarters (date_bin('1 hour', quarter, 'epoch'));

CREATE TABLE ride.provider_quarters (
  quarter timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  vehicle_events integer NOT NULL,
  rider_events integer NOT NULL,
  trips integer NOT NULL,
  PRIMARY KEY (quarter, provider_id)
);

CREATE TABLE ride.ride_outcomes (
  provider_id uuid NOT NULL,
  trip_id uuid NOT NULL,
  requested_at timestamptz,
  h3_cell bigint,
  assigned_at timestamptz,
  picked_up_at timestamptz,
  device_id uuid,
  ended_at timestamptz,
  cancelled_at timestamptz,
  cancelled_by text,
  reported_start_at timestamptz,
  reported_end_at timestamptz,
  reported_device_id uuid,
  duration integer,
  distance integer,
  actual_cost bigint,
  currency text,
  PRIMARY KEY (provider_id, trip_id)
) WITH (fillfactor = 80);
CREATE INDEX ride_outcomes_requested_hour_idx ON ride.ride_outcomes (date_bin('1 hour', requested_at, 'epoch'));
CREATE INDEX ride_outcomes_requested_quarter_idx ON ride.ride_outcomes (date_bin('15 minutes', requested_at, 'epoch'));
CREATE INDEX ride_outcomes_reported_hour_idx ON ride.ride_outcomes (date_bin('1 hour', reported_start_at, 'epoch'));

-- Most rows of these tables change several times while their quarter lasts.
ALTER TABLE ride.vehicle_quarters SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE ride.state_periods SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE ride.cell_quarters SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE ride.ride_outcomes SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- The aggregates of the rows that exist are calculated after the next load.
INSERT INTO ride.stale_quarters
SELECT date_bin('15 minutes', "timestamp", 'epoch') FROM ride.telemetry GROUP BY 1
UNION SELECT date_bin('15 minutes', "timestamp", 'epoch') FROM ride.vehicle_events GROUP BY 1
UNION SELECT date_bin('15 minutes', "timestamp", 'epoch') FROM ride.rider_events GROUP BY 1
UNION SELECT date_bin('15 minutes', end_time, 'epoch') FROM ride.trips GROUP BY 1;

COMMENT ON TABLE ride.stale_quarters IS
  'Quarters of an hour whose aggregates are older than their rows. Written by loads, deleted when the aggregates are calculated.';
COMMENT ON COLUMN ride.stale_quarters.quarter IS 'Start of the quarter of an hour (UTC).';

COMMENT ON TABLE ride.vehicle_quarters IS 'Aggregate of ride.telemetry: positions per vehicle and quarter of an hour.';
COMMENT ON COLUMN ride.vehicle_quarters.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.vehicle_quarters.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.vehicle_quarters.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN ride.vehicle_quarters.first_at IS 'Time of the first position in the quarter.';
COMMENT ON COLUMN ride.vehicle_quarters.last_at IS 'Time of the last position in the quarter.';
COMMENT ON COLUMN ride.vehicle_quarters.previous_at IS
  'Time of the last position of the vehicle before the quarter. NULL if there is none.';
COMMENT ON COLUMN ride.vehicle_quarters.positions IS 'Number of positions.';
COMMENT ON COLUMN ride.vehicle_quarters.received IS
  'Number of positions whose received_at is known. The lateness is that of these: received_at minus the time of the position.';
COMMENT ON COLUMN ride.vehicle_quarters.late_1m IS 'Number of positions that were received more than a minute after their time.';
COMMENT ON COLUMN ride.vehicle_quarters.late_10m IS 'Number of positions that were received more than 10 minutes after their time.';
COMMENT ON COLUMN ride.vehicle_quarters.late_1h IS 'Number of positions that were received more than an hour after their time.';
COMMENT ON COLUMN ride.vehicle_quarters.late_1d IS 'Number of positions that were received more than 24 hours after their time.';
COMMENT ON COLUMN ride.vehicle_quarters.lateness_seconds IS 'Sum of the lateness, in seconds.';
COMMENT ON COLUMN ride.vehicle_quarters.max_lateness_seconds IS 'Greatest lateness, in seconds. NULL if it is not known.';

COMMENT ON TABLE ride.state_periods IS
  'Aggregate of ride.vehicle_events: periods in which a vehicle was in one state, divided at full hours. A period ends at the next event of the vehicle. Without one, or after a silence of more than 24 hours before it, it ends 2 hours after the last event or position of the vehicle.';
COMMENT ON COLUMN ride.state_periods.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.state_periods.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.state_periods.event_at IS 'Time of the event that started the period.';
COMMENT ON COLUMN ride.state_periods.event_id IS 'Event that started the period.';
COMMENT ON COLUMN ride.state_periods.hour IS 'Start of the hour (UTC) that this part of the period is in.';
COMMENT ON COLUMN ride.state_periods.starts_at IS 'Start of this part of the period.';
COMMENT ON COLUMN ride.state_periods.ends_at IS 'End of this part of the period, exclusive.';
COMMENT ON COLUMN ride.state_periods.vehicle_state IS 'State of the vehicle.';
COMMENT ON COLUMN ride.state_periods.day IS 'Day (UTC) of the hour.';

COMMENT ON TABLE ride.cell_quarters IS
  'Aggregate of telemetry and events: supply, demand and speeds per provider, H3 cell and quarter of an hour.';
COMMENT ON COLUMN ride.cell_quarters.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN ride.cell_quarters.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.cell_quarters.h3_cell IS 'H3 cell at resolution 9. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.cell_quarters.positions IS 'Number of positions in the cell.';
COMMENT ON COLUMN ride.cell_quarters.vehicles IS 'Number of vehicles that sent a position from the cell.';
COMMENT ON COLUMN ride.cell_quarters.available_vehicles IS
  'Number of vehicles that were available at some time between their first and last position in the cell.';
COMMENT ON COLUMN ride.cell_quarters.available_seconds IS
  'Time that vehicles were available in the cell, in seconds. A position counts until the next one of the vehicle, at most 2 minutes.';
COMMENT ON COLUMN ride.cell_quarters.speed_count IS 'Number of positions with a speed.';
COMMENT ON COLUMN ride.cell_quarters.speed_sum IS 'Sum of their speeds, in metres per second.';
COMMENT ON COLUMN ride.cell_quarters.moving_count IS 'Number of positions with a speed of at least 1 metre per second.';
COMMENT ON COLUMN ride.cell_quarters.moving_speed_sum IS 'Sum of their speeds, in metres per second.';
COMMENT ON COLUMN ride.cell_quarters.requests IS 'Number of ride requests from the cell.';
COMMENT ON COLUMN ride.cell_quarters.pick_ups IS 'Number of vehicle events with trip_start in the cell.';
COMMENT ON COLUMN ride.cell_quarters.drop_offs IS 'Number of vehicle events with trip_end in the cell.';

COMMENT ON TABLE ride.provider_quarters IS 'Number of events per provider and quarter of an hour. ride.vehicle_quarters has the positions.';
COMMENT ON COLUMN ride.provider_quarters.quarter IS 'Start of the quarter of an hour (UTC) of the event time.';
COMMENT ON COLUMN ride.provider_quarters.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.provider_quarters.vehicle_events IS 'Number of rows in ride.vehicle_events.';
COMMENT ON COLUMN ride.provider_quarters.rider_events IS 'Number of rows in ride.rider_events.';
COMMENT ON COLUMN ride.provider_quarters.trips IS 'Number of rows in ride.trips.';

COMMENT ON TABLE ride.ride_outcomes IS
  'Aggregate of events and trips by trip_id: when a ride was requested, assigned, started and ended, and by whom it was cancelled.';
COMMENT ON COLUMN ride.ride_outcomes.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.ride_outcomes.trip_id IS 'Trip.';
COMMENT ON COLUMN ride.ride_outcomes.requested_at IS 'Time of the first ride_request. NULL for street hails.';
COMMENT ON COLUMN ride.ride_outcomes.h3_cell IS 'H3 cell of the first request, at resolution 9.';
COMMENT ON COLUMN ride.ride_outcomes.assigned_at IS 'Time of the last reservation_start.';
COMMENT ON COLUMN ride.ride_outcomes.picked_up_at IS 'Time of the first trip_start.';
COMMENT ON COLUMN ride.ride_outcomes.device_id IS 'Vehicle of the first trip_start.';
COMMENT ON COLUMN ride.ride_outcomes.ended_at IS 'Time of the last trip_end.';
COMMENT ON COLUMN ride.ride_outcomes.cancelled_at IS 'Time of the last cancellation.';
COMMENT ON COLUMN ride.ride_outcomes.cancelled_by IS 'Who cancelled it: rider, driver or provider.';
COMMENT ON COLUMN ride.ride_outcomes.reported_start_at IS 'Start of the trip as reported in ride.trips. NULL if it is not reported.';
COMMENT ON COLUMN ride.ride_outcomes.reported_end_at IS 'End of the trip as reported in ride.trips.';
COMMENT ON COLUMN ride.ride_outcomes.reported_device_id IS 'Vehicle of the trip as reported in ride.trips.';
COMMENT ON COLUMN ride.ride_outcomes.duration IS 'Duration as reported in ride.trips, in seconds.';
COMMENT ON COLUMN ride.ride_outcomes.distance IS 'Distance as reported in ride.trips, in metres.';
COMMENT ON COLUMN ride.ride_outcomes.actual_cost IS
  'Cost that was charged as reported in ride.trips, in minor units of currency (cents).';
COMMENT ON COLUMN ride.ride_outcomes.currency IS 'Currency of the cost, ISO 4217.';
