import type pg from 'pg';
import { inTransaction, type Pool } from '../../database/pool.postgres.js';
import { startOf, type Day } from '../../rows/day.js';
import type { Cutoff } from '../retention.js';

/** Advisory lock of the process that stores cutoffs. The same number in every process. */
const LOCK = 7_245_122;

/** A cutoff, and how far its rows are deleted. */
export interface StoredCutoff extends Cutoff {
  /** Rows of earlier days are deleted. */
  readonly deletedTo: Day;
}

/**
 * Stores the cutoffs in effect, for those who compare the tables with the log. A cutoff that moved back is as if nothing
 * before it had been deleted: rows that were loaded since then expire again when it moves on.
 */
export async function storeCutoffs(pool: Pool, cutoffs: readonly Cutoff[]): Promise<void> {
  const parameters = parametersOf(cutoffs);
  const changed = await pool.query(
    `${RULES} SELECT FROM rules FULL JOIN ride.retention_cutoffs AS stored
    ON ${SAME_RULE} WHERE rules.cutoff IS DISTINCT FROM stored.cutoff LIMIT 1`,
    parameters,
  );
  if (changed.rowCount === 0) return;
  await inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    // Another rule may apply to rows that were kept so far.
    await client.query(
      `${RULES} UPDATE ride.retention_cutoffs SET deleted_before = '-infinity' WHERE table_name IN (
         SELECT coalesce(rules.table_name, stored.table_name)
         FROM rules FULL JOIN ride.retention_cutoffs AS stored ON ${SAME_RULE}
         WHERE rules.table_name IS NULL OR stored.table_name IS NULL)`,
      parameters,
    );
    await client.query(
      `${RULES} DELETE FROM ride.retention_cutoffs AS stored
       WHERE NOT EXISTS (SELECT FROM rules WHERE ${SAME_RULE})`,
      parameters,
    );
    await client.query(
      `${RULES} INSERT INTO ride.retention_cutoffs AS stored (table_name, provider_id, cutoff) SELECT * FROM rules
       ON CONFLICT (table_name, provider_id) DO UPDATE SET cutoff = excluded.cutoff, updated_at = now(),
         deleted_before = least(stored.deleted_before, excluded.cutoff)
       WHERE stored.cutoff <> excluded.cutoff`,
      parameters,
    );
  });
}

const RULES = `WITH rules (table_name, provider_id, cutoff) AS (
  SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]))`;
const SAME_RULE = `rules.table_name = stored.table_name AND rules.provider_id IS NOT DISTINCT FROM stored.provider_id`;

/** Reads the cutoffs of all tables. */
export async function readCutoffs(client: Pick<pg.ClientBase, 'query'>): Promise<StoredCutoff[]> {
  const { rows } = await client.query<StoredCutoff>(
    `SELECT table_name AS "table", provider_id AS "providerId", (extract(epoch FROM cutoff) / 86400)::float8 AS day,
       (extract(epoch FROM deleted_before) / 86400)::float8 AS "deletedTo"
     FROM ride.retention_cutoffs ORDER BY table_name, provider_id NULLS FIRST`,
  );
  return rows;
}

/** Stores that rows before cutoffs are deleted, unless the cutoff has moved back meanwhile. */
export async function storeDeleted(pool: Pool, cutoffs: readonly Cutoff[]): Promise<void> {
  await pool.query(
    `${RULES} UPDATE ride.retention_cutoffs AS stored SET deleted_before = rules.cutoff
     FROM rules WHERE ${SAME_RULE} AND rules.cutoff <= stored.cutoff AND stored.deleted_before < rules.cutoff`,
    parametersOf(cutoffs),
  );
}

function parametersOf(cutoffs: readonly Cutoff[]): unknown[] {
  return [
    cutoffs.map(({ table }) => table),
    cutoffs.map(({ providerId }) => providerId),
    cutoffs.map(({ day }) => startOfCutoff(day)),
  ];
}

/** The start of a day as a parameter of type timestamptz. */
export function startOfCutoff(day: Day): string {
  return day === -Infinity ? '-infinity' : startOf(day);
}
