-- An id is unique among those of its provider: primary keys and the ids that were seen have the provider, too. Queries
-- and loads wait while this runs: it builds the indexes anew, in about a minute for ten million rows.

ALTER TABLE ride.telemetry DROP CONSTRAINT telemetry_pkey;
ALTER TABLE ride.telemetry ADD PRIMARY KEY (telemetry_id, provider_id, "timestamp");
ALTER TABLE ride.vehicle_events DROP CONSTRAINT vehicle_events_pkey;
ALTER TABLE ride.vehicle_events ADD PRIMARY KEY (event_id, provider_id, "timestamp");
ALTER TABLE ride.rider_events DROP CONSTRAINT rider_events_pkey;
ALTER TABLE ride.rider_events ADD PRIMARY KEY (event_id, provider_id, "timestamp");
ALTER TABLE ride.trips DROP CONSTRAINT trips_pkey;
ALTER TABLE ride.trips ADD PRIMARY KEY (trip_id, provider_id, end_time);

-- Made from the rows: an id whose row was dropped with its day is not among them, and may be loaded again. The day is
-- that of the row (UTC). A load that creates the partition of a day first deletes the ids of that day, which have no rows.
DROP TABLE ride.telemetry_seen, ride.vehicle_events_seen, ride.rider_events_seen, ride.trips_seen;

CREATE TABLE ride.telemetry_seen AS
  SELECT telemetry_id AS id, provider_id, ("timestamp" AT TIME ZONE 'UTC')::date AS day FROM ride.telemetry;
CREATE TABLE ride.vehicle_events_seen AS
  SELECT event_id AS id, provider_id, ("timestamp" AT TIME ZONE 'UTC')::date AS day FROM ride.vehicle_events;
CREATE TABLE ride.rider_events_seen AS
  SELECT event_id AS id, provider_id, ("timestamp" AT TIME ZONE 'UTC')::date AS day FROM ride.rider_events;
CREATE TABLE ride.trips_seen AS
  SELECT trip_id AS id, provider_id, (end_time AT TIME ZONE 'UTC')::date AS day FROM ride.trips;

ALTER TABLE ride.telemetry_seen ADD PRIMARY KEY (id, provider_id), ALTER COLUMN day SET NOT NULL;
ALTER TABLE ride.vehicle_events_seen ADD PRIMARY KEY (id, provider_id), ALTER COLUMN day SET NOT NULL;
ALTER TABLE ride.rider_events_seen ADD PRIMARY KEY (id, provider_id), ALTER COLUMN day SET NOT NULL;
ALTER TABLE ride.trips_seen ADD PRIMARY KEY (id, provider_id), ALTER COLUMN day SET NOT NULL;

-- Small, and enough to find the ids of a day: days lie mostly together.
CREATE INDEX telemetry_seen_day_idx ON ride.telemetry_seen USING brin (day) WITH (autosummarize = on);
CREATE INDEX vehicle_events_seen_day_idx ON ride.vehicle_events_seen USING brin (day) WITH (autosummarize = on);
CREATE INDEX rider_events_seen_day_idx ON ride.rider_events_seen USING brin (day) WITH (autosummarize = on);
CREATE INDEX trips_seen_day_idx ON ride.trips_seen USING brin (day) WITH (autosummarize = on);
