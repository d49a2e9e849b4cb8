import type pg from 'pg';
import { withConnection, type Pool } from './pool.postgres.js';

/** Maximum duration of one statement: a count of a large partition. */
const STATEMENT_TIMEOUT_MS = 1_800_000;
/** Maximum wait between two statements, in which the log is read. */
const IDLE_TIMEOUT_MS = 300_000;
/** Maximum wait for a lock: a migration, or a partition that is being dropped. */
const LOCK_TIMEOUT_MS = 30_000;

/**
 * Runs `work` in a read-only transaction that sees one state of the database: that of its first statement. Vacuum cannot
 * remove rows that are deleted meanwhile, and partitions that `work` has read cannot be dropped.
 */
export async function withSnapshot<T>(pool: Pool, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS};
       SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`,
    );
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}
