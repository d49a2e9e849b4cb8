import type pg from 'pg';
import { begin, withConnection, type Pool } from '../database/pool.postgres.js';
import { ExportError } from './export.errors.js';
import { exportedColumnsOf, type ExportedColumn, type TableColumn } from './exported-columns.js';
import type { ExportedTable } from './exported-tables.js';
import type { ExportedRow, RowWriter } from './row-writer.js';

const DAY_MS = 86_400_000;
/** A longer range is read in as many parts of equal length instead of in days. */
const MAX_PARTS = 1_000;
/** Rows of the first fetch. Those after it are chosen so that a fetch has about {@link FETCH_CHARS}. */
const FIRST_FETCH_ROWS = 100;
const MAX_FETCH_ROWS = 5_000;
const FETCH_CHARS = 4 * 1024 * 1024;
/** Assumed size of a value that is not a text. */
const NUMBER_CHARS = 8;
/** Maximum duration of a statement: sorting the rows of a day. */
const STATEMENT_TIMEOUT_MS = 30 * 60_000;

/** Times in milliseconds since 1970. `toMs` is exclusive. */
interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ExportRequest {
  readonly table: ExportedTable;
  readonly range: TimeRange;
  /** Only the rows of this provider. @default those of all providers */
  readonly providerId?: string;
  /** Opens the file once the columns are known. */
  open(columns: readonly ExportedColumn[]): Promise<RowWriter>;
  /** Called after each fetch, with the number of rows so far and the share of the range that was read, 0 to 1. */
  onProgress(progress: { readonly rows: number; readonly share: number }): void;
  readonly signal: AbortSignal;
}

/**
 * Writes the rows of a table with a time in a range, sorted by time and id, as of one moment. A part of the range is read at a
 * time, by default a day, so that Postgres sorts one partition at a time.
 *
 * @returns the number of rows
 * @throws ExportError if the table does not exist; the reason of the signal if it is aborted
 */
export async function exportRows(pool: Pool, request: ExportRequest): Promise<number> {
  const { signal } = request;
  return withConnection(pool, async (client) => {
    // A statement may wait for a lock, or sort: closing the connection ends it.
    const end = (): void => void (client as pg.PoolClient & Pick<pg.Client, 'end'>).end();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await exportWith(client, request);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  });
}

async function exportWith(client: pg.ClientBase, request: ExportRequest): Promise<number> {
  await begin(client);
  await client.query(
    `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
  );
  const columns = exportedColumnsOf(await columnsOf(client, request.table));
  const writer = await request.open(columns);
  const { fromMs, toMs } = request.range;
  let rows = 0;
  for (const part of partsOf(request.range)) {
    for await (const fetched of readPart(client, { ...request, range: part }, columns)) {
      rows += fetched.length;
      await writer.append(fetched);
      request.onProgress({ rows, share: (part.fromMs - fromMs) / (toMs - fromMs) });
    }
    request.onProgress({ rows, share: (part.toMs - fromMs) / (toMs - fromMs) });
  }
  await writer.finish();
  await client.query('COMMIT');
  return rows;
}

async function columnsOf(client: pg.ClientBase, { name }: ExportedTable): Promise<TableColumn[]> {
  const { rows } = await client.query<TableColumn>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type
     FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum`,
    [`ride.${name}`],
  );
  if (rows.length > 0) return rows;
  throw new ExportError(
    `the table ride.${name} does not exist in this database: bring the schema up to date with migrate`,
  );
}

/** Days (UTC), or {@link MAX_PARTS} parts of a longer range. */
function* partsOf({ fromMs, toMs }: TimeRange): Generator<TimeRange> {
  const lengthMs = Math.max(1, Math.ceil((toMs - fromMs) / MAX_PARTS / DAY_MS)) * DAY_MS;
  for (let start = fromMs; start < toMs;) {
    const end = Math.min(toMs, Math.floor(start / DAY_MS) * DAY_MS + lengthMs);
    yield { fromMs: start, toMs: end };
    start = end;
  }
}

async function* readPart(
  client: pg.ClientBase,
  { table, range, providerId, signal }: ExportRequest,
  columns: readonly ExportedColumn[],
): AsyncGenerator<ExportedRow[]> {
  const { name, timeColumn, idColumn } = table;
  const list = columns.map(({ expression }) => expression).join(', ');
  const ofProvider = providerId === undefined ? '' : 'AND provider_id = $3';
  await client.query(
    `DECLARE exported NO SCROLL CURSOR FOR
     SELECT ${list} FROM ride."${name}"
     WHERE "${timeColumn}" >= $1 AND "${timeColumn}" < $2 ${ofProvider}
     ORDER BY "${timeColumn}", "${idColumn}", provider_id`,
    [new Date(range.fromMs), new Date(range.toMs), ...(providerId === undefined ? [] : [providerId])],
  );
  for (let limit = FIRST_FETCH_ROWS; ;) {
    signal.throwIfAborted();
    const fetch = { text: `FETCH FORWARD ${limit} FROM exported`, rowMode: 'array' as const };
    const { rows } = await client.query<(string | number | boolean | null)[]>(fetch);
    if (rows.length > 0) yield rows;
    if (rows.length < limit) break;
    limit = Math.max(1, Math.min(MAX_FETCH_ROWS, Math.floor(FETCH_CHARS / meanChars(rows))));
  }
  await client.query('CLOSE exported');
}

function meanChars(rows: readonly ExportedRow[]): number {
  let chars = 0;
  for (const row of rows)
    for (const value of row) chars += typeof value === 'string' ? value.length : NUMBER_CHARS;
  return chars / rows.length;
}
