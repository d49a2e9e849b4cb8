import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { withSnapshot } from '../database/snapshot.postgres.js';
import type { Pool } from '../database/pool.postgres.js';
import { readRecorded } from '../database/migrate.postgres.js';
import {
  blockOf,
  FORMAT,
  FORMAT_VERSION,
  type BackupHeader,
  type IdentityState,
  type StoredTable,
} from './backup-file.js';

/** The table of the migrations is written by the migrations themselves. */
const MIGRATIONS_TABLE = 'hailstream_migrations';

interface BackupProgress {
  readonly table: string;
  /** Rows so far, of all tables. */
  readonly rows: number;
  /** Share of the bytes of the tables that were read, 0 to 1. */
  readonly share: number;
}

interface BackupOptions {
  /** Writes bytes of the backup before compression. They are borrowed until the promise resolves. */
  write(bytes: Buffer): Promise<void>;
  onProgress(progress: BackupProgress): void;
  readonly signal: AbortSignal;
}

interface BackupResult {
  readonly tables: number;
  readonly rows: number;
}

/**
 * Writes all tables of schema `ride` as of one moment, with the positions in the log: a restored database continues to load
 * where this one was. Loads can run meanwhile; partitions are not dropped until it ends. If the signal is aborted, its reason is
 * thrown.
 */
export async function writeBackup(pool: Pool, options: BackupOptions): Promise<BackupResult> {
  const { rows: parents } = await pool.query<{ name: string }>(
    `SELECT format('ride.%I', relname) AS name FROM pg_class
     WHERE relnamespace = to_regnamespace('ride') AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  return withSnapshot(pool, async (client) => {
    // Locks come before the snapshot: no partition that it has can be dropped before it is read.
    await client.query(`LOCK TABLE ${parents.map(({ name }) => name).join(', ')} IN ACCESS SHARE MODE`);
    const tables = await readTables(client);
    await options.write(blockOf(await headerOf(client, pool)));
    const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
    let [rows, bytesRead] = [0, 0];
    for (const { table, bytes: tableBytes } of tables) {
      rows += await writeTable(client, table, {
        ...options,
        onProgress: () => options.onProgress({ table: table.name, rows, share: bytesRead / bytes }),
      });
      bytesRead += tableBytes;
    }
    await options.write(blockOf({ tables: tables.length, rows }));
    return { tables: tables.length, rows };
  });
}

async function headerOf(client: pg.ClientBase, pool: Pool): Promise<BackupHeader> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version`,
  );
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    createdAt: new Date().toISOString(),
    postgres: rows[0]!.version,
    migrations: [...(await readRecorded(pool))].toSorted((a, b) => a - b),
  };
}

/** Tables that others reference come first. References have one level. */
async function readTables(client: pg.ClientBase): Promise<{ table: StoredTable; bytes: number }[]> {
  // Bounds are printed in the time zone and date style of the session.
  await client.query(`SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'`);
  const { rows } = await client.query<{
    name: string;
    parent: string | null;
    bounds: string | null;
    columns: string[];
    identities: string[];
    bytes: number;
  }>(
    `SELECT relname AS name, parents.name AS parent, pg_get_expr(relpartbound, tables.oid) AS bounds,
       columns.names AS columns, columns.identities, pg_table_size(tables.oid)::float8 AS bytes
     FROM pg_class AS tables
     LEFT JOIN LATERAL (
       SELECT inhparent::regclass::oid, parent.relname AS name
       FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent WHERE inhrelid = tables.oid
     ) AS parents ON true
     CROSS JOIN LATERAL (
       SELECT array_agg(attname::text ORDER BY attnum) AS names,
         coalesce(array_agg(attname::text ORDER BY attnum) FILTER (WHERE attidentity <> ''), '{}') AS identities
       FROM pg_attribute WHERE attrelid = tables.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     ) AS columns
     WHERE relnamespace = to_regnamespace('ride') AND relkind = 'r' AND relname <> $1
     ORDER BY EXISTS (SELECT FROM pg_constraint WHERE conrelid = tables.oid AND contype = 'f'), relname`,
    [MIGRATIONS_TABLE],
  );
  const tables: { table: StoredTable; bytes: number }[] = [];
  for (const { name, parent, bounds, columns, identities, bytes } of rows) {
    const partition = parent === null || bounds === null ? undefined : { of: parent, bounds };
    const states = await readIdentities(client, name, identities);
    tables.push({ table: { name, columns, ...(partition && { partition }), identities: states }, bytes });
  }
  return tables;
}

async function readIdentities(
  client: pg.ClientBase,
  table: string,
  columns: readonly string[],
): Promise<IdentityState[]> {
  const states: IdentityState[] = [];
  for (const column of columns) {
    const { rows: sequences } = await client.query<{ sequence: string }>(
      'SELECT pg_get_serial_sequence($1, $2) AS sequence',
      [`ride."${table}"`, column],
    );
    // Sequences have no snapshots: the state is at least that of the rows.
    const { rows } = await client.query<{ last_value: string; is_called: boolean }>(
      `SELECT last_value, is_called FROM ${sequences[0]!.sequence}`,
    );
    states.push({ column, lastValue: rows[0]!.last_value, isCalled: rows[0]!.is_called });
  }
  return states;
}

/** Returns the number of rows. */
async function writeTable(
  client: pg.ClientBase,
  table: StoredTable,
  {
    write,
    onProgress,
    signal,
  }: { write(bytes: Buffer): Promise<void>; onProgress(): void; readonly signal: AbortSignal },
): Promise<number> {
  await write(blockOf(table));
  const columns = table.columns.map((name) => `"${name}"`).join(', ');
  const stream = client.query(copyTo(`COPY (SELECT ${columns} FROM ONLY ride."${table.name}") TO STDOUT`));
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    if (chunk.length > 0) await write(blockOf(chunk));
    onProgress();
  }
  const rows = stream.rowCount;
  await write(blockOf(Buffer.alloc(0)));
  await write(blockOf({ rows }));
  return rows;
}
