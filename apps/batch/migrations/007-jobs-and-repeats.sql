-- Positions belong to a job, keys of loaded events expire, and rejects are the loaded dead-letter queue.

-- In the order in which loads take these locks, so that a load and this migration wait for each other and never both.
-- No table is rewritten: the locks are held for milliseconds, plus the time to rebuild the index of the rejects.
LOCK TABLE ride.log_positions, ride.log_gaps, ride.rejects, ride.telemetry_seen, ride.vehicle_events_seen,
  ride.rider_events_seen, ride.trips_seen IN ACCESS EXCLUSIVE MODE;

ALTER TABLE ride.log_positions
  ADD COLUMN job text NOT NULL DEFAULT 'load',
  -- The process that loads the partition, until when if it does not commit a chunk before.
  ADD COLUMN leased_by uuid,
  ADD COLUMN leased_until timestamptz,
  DROP CONSTRAINT log_positions_pkey,
  ADD PRIMARY KEY (job, topic, partition);
ALTER TABLE ride.log_gaps ADD COLUMN job text NOT NULL DEFAULT 'load';

-- The day (UTC) on which a key was recorded: loads delete keys older than BATCH_REPEAT_WINDOW_DAYS. Existing keys count from
-- today. Without a default, a load of an earlier version fails instead of recording keys that never expire.
ALTER TABLE ride.telemetry_seen ADD COLUMN seen_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date;
ALTER TABLE ride.telemetry_seen ALTER COLUMN seen_on DROP DEFAULT;
ALTER TABLE ride.vehicle_events_seen ADD COLUMN seen_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date;
ALTER TABLE ride.vehicle_events_seen ALTER COLUMN seen_on DROP DEFAULT;
ALTER TABLE ride.rider_events_seen ADD COLUMN seen_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date;
ALTER TABLE ride.rider_events_seen ALTER COLUMN seen_on DROP DEFAULT;
ALTER TABLE ride.trips_seen ADD COLUMN seen_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date;
ALTER TABLE ride.trips_seen ALTER COLUMN seen_on DROP DEFAULT;
CREATE INDEX telemetry_seen_seen_on_idx ON ride.telemetry_seen USING brin (seen_on) WITH (autosummarize = on);
CREATE INDEX vehicle_events_seen_seen_on_idx ON ride.vehicle_events_seen USING brin (seen_on) WITH (autosummarize = on);
CREATE INDEX rider_events_seen_seen_on_idx ON ride.rider_events_seen USING brin (seen_on) WITH (autosummarize = on);
CREATE INDEX trips_seen_seen_on_idx ON ride.trips_seen USING brin (seen_on) WITH (autosummarize = on);

-- The table behind ride.rejects. The id is that of the dead letter: the same if a group dead-letters a record again, and
-- another one for a record at the same offset of a topic that was deleted and created again.
ALTER TABLE ride.rejects RENAME TO dead_letters;
ALTER TABLE ride.dead_letters
  ADD COLUMN id text,
  ADD COLUMN consumer_group text NOT NULL DEFAULT 'hailstream-batch',
  ADD COLUMN attempts integer NOT NULL DEFAULT 1,
  ADD COLUMN resolved_at timestamptz,
  DROP CONSTRAINT rejects_pkey;
UPDATE ride.dead_letters SET id = concat_ws('/', topic, partition, "offset", consumer_group, coalesce(
  substring(reason FROM 'SHA-256 ([0-9a-f]{64})'), timestamp_ms::text,
  (extract(epoch FROM received_at) * 1000)::bigint::text));
ALTER TABLE ride.dead_letters
  ALTER COLUMN consumer_group DROP DEFAULT,
  ALTER COLUMN attempts DROP DEFAULT,
  ALTER COLUMN rejected_at DROP DEFAULT,
  ADD PRIMARY KEY (id);

CREATE VIEW ride.rejects AS
SELECT
  topic, partition, "offset", reason, key, value, received_at, rejected_at, timestamp_ms, last_offset,
  id, consumer_group, attempts
FROM ride.dead_letters
WHERE resolved_at IS NULL;

-- Roles that could read the table can read the view.
DO $$
DECLARE grantee text;
BEGIN
  FOR grantee IN
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
    FROM pg_class, aclexplode(relacl) AS acl
    WHERE pg_class.oid = 'ride.dead_letters'::regclass AND acl.privilege_type = 'SELECT' AND acl.grantee <> relowner
  LOOP
    EXECUTE format('GRANT SELECT ON ride.rejects TO %s', grantee);
  END LOOP;
END $$;

-- Ids that occur with more than one event time: see BATCH_REPEAT_WINDOW_DAYS.
CREATE VIEW analysis.repeated_ids AS
SELECT 'telemetry' AS table_name, telemetry_id AS id, provider_id, count(*) AS rows,
  min("timestamp") AS first_time, max("timestamp") AS last_time
FROM ride.telemetry GROUP BY 2, 3 HAVING count(*) > 1
UNION ALL
SELECT 'vehicle_events', event_id, provider_id, count(*), min("timestamp"), max("timestamp")
FROM ride.vehicle_events GROUP BY 2, 3 HAVING count(*) > 1
UNION ALL
SELECT 'rider_events', event_id, provider_id, count(*), min("timestamp"), max("timestamp")
FROM ride.rider_events GROUP BY 2, 3 HAVING count(*) > 1
UNION ALL
SELECT 'trips', trip_id, provider_id, count(*), min(end_time), max(end_time)
FROM ride.trips GROUP BY 2, 3 HAVING count(*) > 1;
