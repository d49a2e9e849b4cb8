import type pg from 'pg';

/** Growth since the last analysis from which a table is analysed again. */
const GROWTH = 1.2;
/** Pages up to which any plan is fast. */
const MIN_PAGES = 16;

/**
 * Analyses a table of schema `ride` if it has grown since its statistics were calculated, in the current transaction, with the rows
 * that it has written. Autovacuum does so after a minute at the earliest, and never sees the rows of a transaction that is too slow
 * to commit: with statistics of a few vehicles, Postgres looks up each vehicle of a new fleet among the rows of all others.
 *
 * `relpages` stays if the transaction is rolled back, while the statistics do not. It only shows that a table has become smaller:
 * how large it was is in `ride.analysed_tables`, which is rolled back with them.
 */
export async function analyzeIfGrown(client: pg.ClientBase, table: string): Promise<void> {
  const { rows } = await client.query<{ has_grown: boolean }>(
    `SELECT pg_relation_size(oid) > ${GROWTH} * greatest(
       least(coalesce(size_bytes, 0), relpages::bigint * block_bytes), ${MIN_PAGES} * block_bytes) AS has_grown
     FROM pg_class
     CROSS JOIN (SELECT current_setting('block_size')::bigint AS block_bytes) AS blocks
     LEFT JOIN ride.analysed_tables ON table_name = relname
     WHERE oid = format('ride.%I', $1::text)::regclass`,
    [table],
  );
  if (!rows[0]!.has_grown) return;
  await client.query(`ANALYZE ride.${table}`);
  await client.query(
    `INSERT INTO ride.analysed_tables (table_name, size_bytes) VALUES ($1, pg_relation_size(format('ride.%I', $1::text)::regclass))
     ON CONFLICT (table_name) DO UPDATE SET size_bytes = excluded.size_bytes`,
    [table],
  );
}
