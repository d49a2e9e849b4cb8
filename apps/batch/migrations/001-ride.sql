-- What the log says, as tables. Columns carry MDS's names. A location that is the event's own is flattened (lat, lng,
-- altitude, …); other locations and attribute objects stay JSON, as they were sent. Times are timestamptz, exact to
-- the millisecond. Partitions, one for each UTC day of event time, are made by the load.

-- An administrator may have created it: CREATE SCHEMA needs a right on the database even if it has nothing to do.
DO $$ BEGIN IF to_regnamespace('ride') IS NULL THEN CREATE SCHEMA ride; END IF; END $$;

CREATE TABLE ride.telemetry (
  telemetry_id uuid NOT NULL,
  device_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  data_provider_id uuid,
  "timestamp" timestamptz NOT NULL,
  trip_ids uuid[],
  journey_id uuid,
  stop_id uuid,
  lat double precision NOT NULL,
  lng double precision NOT NULL,
  altitude double precision,
  heading double precision,
  speed double precision,
  horizontal_accuracy double precision,
  vertical_accuracy double precision,
  satellites smallint,
  location_type text,
  battery_percent smallint,
  fuel_percent smallint,
  tipped_over boolean,
  h3_cell bigint NOT NULL,
  PRIMARY KEY (telemetry_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE TABLE ride.vehicle_events (
  event_id uuid NOT NULL,
  device_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  data_provider_id uuid,
  vehicle_state text NOT NULL,
  event_types text[] NOT NULL,
  "timestamp" timestamptz NOT NULL,
  publication_time timestamptz,
  lat double precision NOT NULL,
  lng double precision NOT NULL,
  altitude double precision,
  heading double precision,
  speed double precision,
  horizontal_accuracy double precision,
  vertical_accuracy double precision,
  satellites smallint,
  event_geographies uuid[],
  battery_percent smallint,
  fuel_percent smallint,
  trip_ids uuid[],
  stop_id uuid,
  associated_ticket text,
  h3_cell bigint NOT NULL,
  PRIMARY KEY (event_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE TABLE ride.rider_events (
  event_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  rider_id uuid NOT NULL,
  trip_id uuid NOT NULL,
  event_type text NOT NULL,
  "timestamp" timestamptz NOT NULL,
  lat double precision NOT NULL,
  lng double precision NOT NULL,
  altitude double precision,
  heading double precision,
  speed double precision,
  horizontal_accuracy double precision,
  vertical_accuracy double precision,
  satellites smallint,
  destination jsonb,
  rating smallint,
  h3_cell bigint NOT NULL,
  PRIMARY KEY (event_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE TABLE ride.trips (
  trip_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  data_provider_id uuid,
  device_id uuid NOT NULL,
  journey_id uuid,
  journey_attributes jsonb,
  trip_type text,
  trip_attributes jsonb,
  fare_attributes jsonb,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL,
  start_location jsonb NOT NULL,
  end_location jsonb NOT NULL,
  duration integer NOT NULL,
  distance integer NOT NULL,
  publication_time timestamptz,
  accessibility_attributes text[],
  parking_verification_url text,
  parking_category text,
  standard_cost bigint,
  actual_cost bigint,
  currency text,
  PRIMARY KEY (trip_id, end_time)
) PARTITION BY RANGE (end_time);

COMMENT ON COLUMN ride.telemetry.h3_cell IS 'H3 cell of lat, lng at resolution 9; to_hex(h3_cell) is its usual name';
COMMENT ON COLUMN ride.vehicle_events.h3_cell IS 'H3 cell of lat, lng at resolution 9; to_hex(h3_cell) is its usual name';
COMMENT ON COLUMN ride.rider_events.h3_cell IS 'H3 cell of lat, lng at resolution 9; to_hex(h3_cell) is its usual name';

-- Every id that was loaded. A partitioned table can be unique only with its partition key: these say that an id occurs
-- once whatever day it was sent for, and to whichever process.
CREATE TABLE ride.telemetry_seen (id uuid PRIMARY KEY);
CREATE TABLE ride.vehicle_events_seen (id uuid PRIMARY KEY);
CREATE TABLE ride.rider_events_seen (id uuid PRIMARY KEY);
CREATE TABLE ride.trips_seen (id uuid PRIMARY KEY);

-- How far the log was loaded: moved in the transaction that writes the rows.
CREATE TABLE ride.log_positions (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  PRIMARY KEY (topic, partition)
);

-- Records that could not be loaded, untouched, and why.
CREATE TABLE ride.rejects (
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  reason text NOT NULL,
  key bytea,
  value bytea,
  received_at timestamptz NOT NULL,
  rejected_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, "offset")
);
