-- Retention: which rows expire, and partitions that are being dropped. Erasures of riders and devices. No existing table is
-- locked.

CREATE TABLE ride.retention_cutoffs (
  table_name text NOT NULL,
  provider_id uuid,
  cutoff timestamptz NOT NULL,
  deleted_before timestamptz NOT NULL DEFAULT '-infinity',
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (table_name, provider_id)
);
COMMENT ON TABLE ride.retention_cutoffs IS
  'The rules of BATCH_RETENTION as of the last load: one row for each table and provider. Rows before the cutoff are deleted, and events before it are not loaded. ride.retention_cutoff reads it.';
COMMENT ON COLUMN ride.retention_cutoffs.table_name IS 'Table of schema ride.';
COMMENT ON COLUMN ride.retention_cutoffs.provider_id IS
  'Provider that the rule is for. NULL: the providers of the table that have no rule of their own.';
COMMENT ON COLUMN ride.retention_cutoffs.cutoff IS
  'Start of the first day (UTC) that is kept, by event time. -infinity if every day is kept.';
COMMENT ON COLUMN ride.retention_cutoffs.deleted_before IS
  'Rows before this time were deleted. It is less than the cutoff until the next run of the retention has ended.';
COMMENT ON COLUMN ride.retention_cutoffs.updated_at IS 'When the row last changed.';

CREATE FUNCTION ride.retention_cutoff(of_table text, of_provider uuid) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN coalesce(
  (SELECT cutoff FROM ride.retention_cutoffs WHERE table_name = of_table AND provider_id = of_provider),
  (SELECT cutoff FROM ride.retention_cutoffs WHERE table_name = of_table AND provider_id IS NULL),
  '-infinity');
COMMENT ON FUNCTION ride.retention_cutoff IS
  'Time before which rows of a table and provider are expired: they are deleted and not loaded. -infinity if none are.';

-- Written before a partition is detached, and deleted in the transaction that drops it: a run that was interrupted is
-- continued by the next one. Tables that were detached by others are not listed, and never dropped.
CREATE TABLE ride.retention_drops (
  partition_name text PRIMARY KEY,
  table_name text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ride.retention_drops IS 'Partitions that the retention is dropping.';
COMMENT ON COLUMN ride.retention_drops.partition_name IS 'Partition of schema ride.';
COMMENT ON COLUMN ride.retention_drops.table_name IS 'Table that it is or was a partition of.';
COMMENT ON COLUMN ride.retention_drops.started_at IS 'When dropping it began.';

-- Erasures: ids of riders and devices whose events are not kept. Only a hash of the id is stored.
CREATE TABLE ride.erasures (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('rider', 'device')),
  id_hash bytea NOT NULL,
  requested_at timestamptz NOT NULL,
  completed_at timestamptz,
  removed_rows bigint NOT NULL DEFAULT 0,
  pseudonymised_rows bigint NOT NULL DEFAULT 0,
  UNIQUE (kind, id_hash)
);
COMMENT ON TABLE ride.erasures IS
  'Riders and devices that were erased. Their events are not loaded. One row is one id, of which only a hash is kept.';
COMMENT ON COLUMN ride.erasures.number IS 'Order in which the erasures were stored.';
COMMENT ON COLUMN ride.erasures.kind IS 'rider or device.';
COMMENT ON COLUMN ride.erasures.id_hash IS
  'SHA-256 of the salt, the kind, a slash and the id in lower case: sha256(salt || convert_to(kind || ''/'' || id, ''UTF8'')).';
COMMENT ON COLUMN ride.erasures.requested_at IS 'When the erasure was requested first.';
COMMENT ON COLUMN ride.erasures.completed_at IS
  'When no row with the id was left. NULL until then: run the command again, or the next load completes it.';
COMMENT ON COLUMN ride.erasures.removed_rows IS 'Rows that were deleted, and dead letters whose content was removed.';
COMMENT ON COLUMN ride.erasures.pseudonymised_rows IS
  'Trips that were kept without the id and with coarse places, so that they remain countable.';

CREATE TABLE ride.erasure_salt (
  salt bytea NOT NULL,
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);
-- 244 random bits, without an extension.
INSERT INTO ride.erasure_salt (salt) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
COMMENT ON TABLE ride.erasure_salt IS 'Salt of the hashes in ride.erasures, random for each database. One row.';
COMMENT ON COLUMN ride.erasure_salt.salt IS 'Random bytes.';
COMMENT ON COLUMN ride.erasure_salt.is_only IS 'Always true: the table has one row.';
