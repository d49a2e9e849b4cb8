-- Repeated records by provider.
--
-- Loads count repeats from now on: those of earlier loads are not known, because they were not stored.

-- By partition, because a load has locked the position of its partition: loads of other partitions do not wait for it.
CREATE TABLE ride.duplicates (
  hour timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  records bigint NOT NULL,
  PRIMARY KEY (hour, provider_id, topic, partition)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX duplicates_day_idx ON ride.duplicates (((hour AT TIME ZONE 'UTC')::date));

COMMENT ON TABLE ride.duplicates IS
  'Number of records that loads have read and not stored, because their event had been loaded before or occurs earlier in the log. Not those of backfills and of rejects that were retried.';
COMMENT ON COLUMN ride.duplicates.hour IS 'Start of the hour (UTC) of the event time in the repeated record.';
COMMENT ON COLUMN ride.duplicates.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.duplicates.topic IS 'Topic of the record.';
COMMENT ON COLUMN ride.duplicates.partition IS 'Partition of the record.';
COMMENT ON COLUMN ride.duplicates.records IS 'Number of records.';

-- Grouped by vehicle first: to count distinct vehicles, all quarters of a day would be sorted.
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
    sum(positions) AS positions,
    0 AS vehicle_events,
    0 AS rider_events,
    0 AS trips,
    count(*) AS vehicles,
    0 AS rejects,
    sum(silences) AS silences,
    sum(silence_seconds) AS silence_seconds,
    sum(received) AS received,
    sum(late_1m) AS late_1m,
    sum(late_10m) AS late_10m,
    sum(late_1h) AS late_1h,
    sum(late_1d) AS late_1d,
    sum(lateness_seconds) AS lateness_seconds,
    max(max_lateness_seconds) AS max_lateness_seconds,
    0 AS duplicates
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
  GROUP BY 1, 2
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

COMMENT ON COLUMN analysis.data_quality.duplicates IS
  'Number of records of all topics whose event had been loaded before. They are not stored. Loads count them since ride.duplicates exists; records that are read again, because positions were reset or a trace was replayed, count too.';
