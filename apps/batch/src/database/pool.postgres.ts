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

export type Pool = pg.Pool;

export interface PoolOptions {
  readonly url: string;
  /** Connections: chunks that are written side by side. */
  readonly size: number;
  readonly logger: Logger;
}

/** Connections whose every wait has a bound. */
export function createPool({ url, size, logger }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'hailstream-batch',
    max: size,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  });
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection to Postgres was lost'));
  pool.on('connect', (client) => {
    // Of a connection in use, whoever uses it is told by the statement that fails; without a listener we would end.
    client.on('error', (error) => logger.debug({ err: error }, 'a connection to Postgres was lost'));
  });
  return pool;
}
