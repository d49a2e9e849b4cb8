import type pg from 'pg';

/** Growth since the last analysis from which a table is analysed again. */
const GROWTH = 1.2;
/** Pages up to which any plan is fast. */
const MIN_PAGES = 16;

/**
 * Analyses a table if it has grown since its statistics were calculated, in the current transaction, with the rows that it has
 * written. Autovacuum does so after a minute at the earliest, and never sees the rows of a transaction that is too slow to commit:
 * with statistics of a few vehicles, Postgres looks up each vehicle of a new fleet among the rows of all others.
 */
export async function analyzeIfGrown(client: pg.ClientBase, table: string): Promise<void> {
  const { rows } = await client.query<{ has_grown: boolean }>(
    `SELECT pg_relation_size(oid) > ${GROWTH} * greatest(relpages, ${MIN_PAGES}) * current_setting('block_size')::integer AS has_grown
     FROM pg_class WHERE oid = $1::regclass`,
    [table],
  );
  if (rows[0]!.has_grown) await client.query(`ANALYZE ${table}`);
}
