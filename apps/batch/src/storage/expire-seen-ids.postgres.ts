import type pg from 'pg';
import { inTransaction } from '../database/pool.postgres.js';
import { recordExpiry } from './repeated-rows.postgres.js';

/** Keys of one table that one call deletes at most, to keep the transaction short. The next load deletes more. */
const MAX_KEYS_EXPIRED = 200_000;

/** Advisory lock of the process that deletes keys. The same number in every process. */
const LOCK = 7_245_119;

/**
 * Deletes keys of `ride.*_seen` that are older than a number of days, and returns how many were deleted. If another process
 * is deleting keys, it deletes none.
 */
export async function expireSeenIds(
  pool: pg.Pool,
  tables: readonly string[],
  windowDays: number,
): Promise<number> {
  let expired = 0;
  for (const table of tables) expired += await expireTable(pool, table, windowDays);
  return expired;
}

async function expireTable(pool: pg.Pool, table: string, windowDays: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1) AS locked',
      [LOCK],
    );
    if (rows[0]?.locked !== true) return 0;
    const { rowCount } = await client.query(
      `DELETE FROM ride.${table}_seen WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ride.${table}_seen
         WHERE seen_on < (now() AT TIME ZONE 'UTC')::date - $1::integer LIMIT ${MAX_KEYS_EXPIRED}))`,
      [windowDays],
    );
    if (rowCount === null || rowCount === 0) return 0;
    await recordExpiry(client, table, windowDays);
    return rowCount;
  });
}
