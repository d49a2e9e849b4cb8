import pg from 'pg';
import type { Logger } from 'pino';

/** Longest wait for a connection: for a new one, or for one that is busy with a chunk. */
const CONNECT_TIMEOUT_MS = 30_000;
/** Longest wait for another process's lock: a position, or an id that it is about to write. */
const LOCK_TIMEOUT_MS = 30_000;
/** Longest statement: a COPY of one chunk. */
const STATEMENT_TIMEOUT_MS = 120_000;
/** After which the server ends the transaction of a process that stands still, so that others can go on. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;

/** Settings, not startup parameters: a connection pooler such as PgBouncer refuses a connection that asks for them. */
const BOUNDS = [
  ['lock_timeout', LOCK_TIMEOUT_MS],
  ['statement_timeout', STATEMENT_TIMEOUT_MS],
  ['idle_in_transaction_session_timeout', IDLE_IN_TRANSACTION_TIMEOUT_MS],
] as const;

export type Pool = pg.Pool;

export interface PoolOptions {
  readonly url: string;
  /** Connections: chunks that are written side by side. */
  readonly size: number;
  readonly logger: Logger;
}

/**
 * Connections whose every wait has a bound. Transactions are to begin with {@link begin}: behind a connection pooler,
 * only what is set in a transaction is sure to hold in it.
 */
export function createPool({ url, size, logger }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'hailstream-batch',
    max: size,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // The pool waits for the promise, which its types do not say.
    onConnect: boundSession as (client: pg.ClientBase) => void,
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection to Postgres was lost'));
  pool.on('connect', (client) => {
    // Of a connection in use, whoever uses it is told by the statement that fails; without a listener we would end.
    client.on('error', (error) => logger.debug({ err: error }, 'a connection to Postgres was lost'));
  });
  return pool;
}

/** Begins a transaction whose every wait has a bound, whatever the session is set to. */
export async function begin(client: pg.ClientBase): Promise<void> {
  const settings = BOUNDS.map(([name, milliseconds]) => `SET LOCAL ${name} = ${milliseconds}`);
  await client.query(['BEGIN', ...settings].join('; '));
}

/** Sets the bounds for a session that is this process's alone. Behind a pooler, the session is also others'. */
async function boundSession(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  // A pooler answers for the server, with a process id that it made up.
  const isDirect = 'processID' in client && rows[0]?.pid === client.processID;
  if (!isDirect) return;
  await client.query(BOUNDS.map(([name, milliseconds]) => `SET ${name} = ${milliseconds}`).join('; '));
}
