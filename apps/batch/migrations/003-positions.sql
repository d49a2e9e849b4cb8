-- A position belongs to one log: the cluster and the topic that it was made with, by their ids. NULL in positions that
-- were made before this migration, until a load has checked and bound them.
ALTER TABLE ride.log_positions
  ADD COLUMN cluster_id text,
  ADD COLUMN topic_id text,
  -- When the position last moved.
  ADD COLUMN moved_at timestamptz,
  -- The last record that was loaded: its offset, a digest of it, and next_offset at that time. The next load compares.
  ADD COLUMN last_offset bigint,
  ADD COLUMN last_digest bytea,
  ADD COLUMN last_next_offset bigint,
  -- Why loads refuse this position, and since when, until `positions reset` or `positions adopt` resolves it.
  ADD COLUMN refused text,
  ADD COLUMN refused_at timestamptz;

-- Offsets that positions passed without loading them: written in the transaction that moves the position.
CREATE TABLE ride.log_gaps (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  partition integer NOT NULL,
  from_offset bigint NOT NULL,
  -- Exclusive.
  to_offset bigint NOT NULL,
  -- deleted: by retention or DeleteRecords, before they were loaded. reset: passed over by `positions reset`.
  cause text NOT NULL CHECK (cause IN ('deleted', 'reset')),
  cluster_id text,
  topic_id text,
  recorded_at timestamptz NOT NULL DEFAULT now()
);

-- A record's timestamp may be any 64-bit number: received_at is NULL if it is not a time between the years 1 and 9999.
ALTER TABLE ride.rejects
  ALTER COLUMN received_at DROP NOT NULL,
  ADD COLUMN timestamp_ms bigint;
