-- When ingest received each event, one vehicle's day without a scan of all vehicles, and the records of a partition in order.

-- No table is rewritten, and no index of existing rows is built: the locks are held for milliseconds.
LOCK TABLE ride.telemetry, ride.vehicle_events, ride.rider_events, ride.trips IN ACCESS EXCLUSIVE MODE;

ALTER TABLE ride.telemetry ADD COLUMN received_at timestamptz;
ALTER TABLE ride.vehicle_events ADD COLUMN received_at timestamptz;
ALTER TABLE ride.rider_events ADD COLUMN received_at timestamptz;
ALTER TABLE ride.trips ADD COLUMN received_at timestamptz;

COMMENT ON COLUMN ride.telemetry.received_at IS
  'When ingest received the event: the timestamp of its record in the log. NULL if it is not between the years 1 and 9999, and in rows that were loaded before this column existed.';
COMMENT ON COLUMN ride.vehicle_events.received_at IS
  'When ingest received the event: the timestamp of its record in the log. NULL if it is not between the years 1 and 9999, and in rows that were loaded before this column existed.';
COMMENT ON COLUMN ride.rider_events.received_at IS
  'When ingest received the event: the timestamp of its record in the log. NULL if it is not between the years 1 and 9999, and in rows that were loaded before this column existed.';
COMMENT ON COLUMN ride.trips.received_at IS
  'When ingest received the trip: the timestamp of its record in the log. NULL if it is not between the years 1 and 9999, and in rows that were loaded before this column existed.';

-- ONLY: partitions that are created from now on have these indexes. Those of existing partitions are built after the
-- migrations, each in its own transaction: loads into that partition wait meanwhile, queries do not.
CREATE INDEX telemetry_device_id_timestamp_idx ON ONLY ride.telemetry (device_id, "timestamp");
CREATE INDEX vehicle_events_device_id_timestamp_idx ON ONLY ride.vehicle_events (device_id, "timestamp");

-- Rejects are looked up by their place in the log.
CREATE INDEX dead_letters_place_idx ON ride.dead_letters (topic, partition, "offset");
