import type pg from 'pg';
import { boundSession, isDirect, withConnection, type Pool } from '../database/pool.postgres.js';

/** Share by which the number of rows changes until a table is analysed again: that of autovacuum. */
const CHANGED_SHARE = 0.1;
/** Time between two analyses of a table, if the statistics of its partitions are not up to date. */
const INTERVAL_MS = 600_000;
/** Maximum duration: before PostgreSQL 18, all partitions are sampled, too. */
const TIMEOUT_MS = 900_000;
/** First version with ANALYZE ONLY. */
const ONLY_FROM_VERSION = 180_000;

/**
 * Analyses partitioned tables of which many rows are new, because autovacuum analyses partitions only. The statistics of the
 * partitions, which autovacuum keeps, tell how many rows there are. Tables that are locked are skipped. Returns the names of
 * the tables.
 */
export async function analyzeTables(
  pool: Pool,
  tables: readonly string[],
  { intervalMs = INTERVAL_MS } = {},
): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; version: number }>(
    `SELECT parents.relname AS name, current_setting('server_version_num')::integer AS version
     FROM pg_class AS parents
     JOIN pg_inherits ON inhparent = parents.oid
     JOIN pg_class AS partitions ON partitions.oid = inhrelid
     WHERE parents.relnamespace = 'ride'::regnamespace AND parents.relname = ANY ($1) AND parents.relkind = 'p'
     GROUP BY parents.oid
     HAVING abs(sum(greatest(partitions.reltuples, 0)) - greatest(parents.reltuples, 0))
         > ${CHANGED_SHARE} * greatest(parents.reltuples, 0)
       AND coalesce(pg_stat_get_last_analyze_time(parents.oid) <= now() - $2 * interval '1 millisecond', true)`,
    [tables, intervalMs],
  );
  for (const { name, version } of rows) {
    const target = `${version >= ONLY_FROM_VERSION ? 'ONLY ' : ''}ride.${name}`;
    await withConnection(pool, (client) => analyze(client, target));
  }
  return rows.map(({ name }) => name);
}

/** Not in a transaction, which would hold the locks of all partitions until its end. */
async function analyze(client: pg.ClientBase, target: string): Promise<void> {
  const hasSession = await isDirect(client);
  if (hasSession) await client.query(`SET statement_timeout = ${TIMEOUT_MS}`);
  await client.query(`ANALYZE (SKIP_LOCKED) ${target}`);
  if (hasSession) await boundSession(client);
}
