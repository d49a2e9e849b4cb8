import pg from 'pg';
import type { Logger } from 'pino';

/** Maximum wait for a connection, whether it is established or returned by a chunk. */
const CONNECT_TIMEOUT_MS = 30_000;
/** Maximum wait for a lock of another process: on a position, or on an id that it is inserting. */
const LOCK_TIMEOUT_MS = 30_000;
/** Maximum duration of a statement: a COPY of one chunk. */
const STATEMENT_TIMEOUT_MS = 120_000;
/** After this time the server aborts the transaction of a process that does not respond, so that others can continue. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;

/** Set by statements, because connection poolers such as PgBouncer reject them as startup parameters. */
const BOUNDS = [
  ['lock_timeout', LOCK_TIMEOUT_MS],
  ['statement_timeout', STATEMENT_TIMEOUT_MS],
  ['idle_in_transaction_session_timeout', IDLE_IN_TRANSACTION_TIMEOUT_MS],
] as const;

export type Pool = pg.Pool;

/** Injects the {@link Pool}. */
export const POOL = Symbol('Pool');

interface PoolOptions {
  readonly url: string;
  /** Number of connections: chunks that are written concurrently. */
  readonly size: number;
  readonly logger: Logger;
}

/**
 * Creates a pool of connections with bounded waits. Transactions must start with {@link begin}: with a connection pooler,
 * only the settings of the transaction itself are certain to apply.
 */
export function createPool({ url, size, logger }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'hailstream-batch',
    max: size,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // The pool awaits the promise, although its types do not declare it.
    onConnect: boundSession as (client: pg.ClientBase) => void,
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'idle connection to Postgres lost'));
  pool.on('connect', (client) => {
    // The statement in progress fails and reports it. Without a listener the process would exit.
    client.on('error', (error) => logger.debug({ err: error }, 'connection to Postgres lost'));
  });
  return pool;
}

/** Runs `work` with a connection of the pool. If it fails, the connection is closed: it may have an open transaction. */
export async function withConnection<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
  }
}

/** Runs `work` in a transaction that is started by {@link begin}, and commits it. */
export async function inTransaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return withConnection(pool, async (client) => {
    await begin(client);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}

/** Starts a transaction with bounded waits, independent of the session's settings. */
export async function begin(client: pg.ClientBase): Promise<void> {
  const settings = BOUNDS.map(([name, milliseconds]) => `SET LOCAL ${name} = ${milliseconds}`);
  await client.query(['BEGIN', ...settings].join('; '));
}

/** Sets the bounds for a session, unless it belongs to a pooler and is shared with other clients. */
export async function boundSession(client: pg.ClientBase): Promise<void> {
  if (!(await isDirect(client))) return;
  await client.query(BOUNDS.map(([name, milliseconds]) => `SET ${name} = ${milliseconds}`).join('; '));
}

/** Whether a connection is one to the server and not to a pooler, so that the session and its settings are not shared. */
export async function isDirect(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  // A pooler responds on behalf of the server, with a different process id.
  return 'processID' in client && rows[0]?.pid === client.processID;
}
