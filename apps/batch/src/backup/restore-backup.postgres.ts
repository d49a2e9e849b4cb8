import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { migrate, readRecorded } from '../database/migrate.postgres.js';
import { begin, withConnection, type Pool } from '../database/pool.postgres.js';
import { withPartitionSettings } from '../storage/partition-settings.js';
import { BackupError } from './backup.errors.js';
import { BlockReader, checkHeader, damaged, type BackupHeader, type StoredTable } from './backup-file.js';

/** Tables in which a migration of an empty database writes a row. A restore replaces it. */
const SEEDED = ['erasure_salt'];
/** The table of the migrations is written by the migrations themselves. */
const MIGRATIONS_TABLE = 'hailstream_migrations';

interface RestoreOptions {
  onProgress(progress: { readonly table: string; readonly rows: number }): void;
  readonly signal: AbortSignal;
}

interface RestoreResult extends Pick<BackupHeader, 'createdAt'> {
  readonly tables: number;
  readonly rows: number;
}

/**
 * Restores a backup into a database without rows: brings the schema to the version of the backup, and copies all rows in one
 * transaction. The caller brings the schema up to date afterwards. If it fails, the database still has no rows.
 *
 * @param content of the backup, decompressed
 * @throws BackupError if the database has rows, its schema is newer than the backup, or the backup is damaged or newer than this
 * release; the reason of the signal if it is aborted
 */
export async function restoreBackup(
  pool: Pool,
  content: AsyncIterable<Buffer>,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const reader = new BlockReader(content);
  const header = checkHeader(await reader.nextJson());
  await bringSchemaTo(pool, header);
  return withConnection(pool, async (client) => {
    await begin(client);
    // A table may have many rows, and compressed blocks arrive slowly.
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
    await requireNoRows(client);
    for (const table of SEEDED) await client.query(`DELETE FROM ride."${table}"`);
    const counts = await restoreTables(client, reader, options);
    await reader.end();
    await client.query('COMMIT');
    // In a transaction: a session setting would remain in the session of a pooler.
    await begin(client);
    await client.query('SET LOCAL statement_timeout = 0');
    await client.query('ANALYZE');
    await client.query('COMMIT');
    return { createdAt: header.createdAt, ...counts };
  });
}

async function bringSchemaTo(pool: Pool, { migrations }: BackupHeader): Promise<void> {
  const stored = new Set(migrations);
  const recorded = await readRecorded(pool);
  const newer = [...recorded].filter((version) => !stored.has(version));
  if (newer.length > 0) {
    throw new BackupError(
      `the schema of the database has migrations that the backup does not have: ${newer.join(', ')}. Restore into a new database`,
    );
  }
  const applied = await migrate(pool, { until: Math.max(0, ...migrations) });
  const present = await readRecorded(pool);
  const unknown = migrations.filter((version) => !present.has(version));
  if (unknown.length > 0) {
    throw new BackupError(
      `the backup has migrations that this release does not have: ${unknown.join(', ')}. Use the release that wrote it, or a later one` +
        (applied.length > 0 ? '. The schema was created, without rows' : ''),
    );
  }
}

async function requireNoRows(client: pg.ClientBase): Promise<void> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = to_regnamespace('ride') AND relkind = 'r' AND relname <> ALL ($1) ORDER BY relname`,
    [[...SEEDED, MIGRATIONS_TABLE]],
  );
  for (const { name } of tables) {
    // Partitions count too, because the backup has its own.
    const { rows } = await client.query<{ used: boolean }>(
      `SELECT relispartition OR EXISTS (SELECT FROM ride."${name}") AS used FROM pg_class
       WHERE relnamespace = to_regnamespace('ride') AND relname = $1`,
      [name],
    );
    if (rows[0]!.used)
      throw new BackupError(`the database has rows in ride.${name}: restore into a new database`);
  }
}

async function restoreTables(
  client: pg.ClientBase,
  reader: BlockReader,
  { onProgress, signal }: RestoreOptions,
): Promise<{ tables: number; rows: number }> {
  let [tables, rows] = [0, 0];
  for (;;) {
    signal.throwIfAborted();
    const block = (await reader.nextJson()) as
      StoredTable | { readonly tables: number; readonly rows: number };
    if (!('name' in block)) {
      if (block.tables === tables && block.rows === rows) return { tables, rows };
      throw damaged(`it has ${rows} rows, expected ${block.rows}`);
    }
    if (block.partition !== undefined) await createPartition(client, block, block.partition);
    rows += await copyRows(client, block, reader, signal);
    for (const { column, lastValue, isCalled } of block.identities) {
      await client.query('SELECT setval(pg_get_serial_sequence($1, $2), $3, $4)', [
        `ride."${block.name}"`,
        column,
        lastValue,
        isCalled,
      ]);
    }
    tables += 1;
    onProgress({ table: block.name, rows });
  }
}

async function createPartition(
  client: pg.ClientBase,
  { name }: StoredTable,
  { of: parent, bounds }: { readonly of: string; readonly bounds: string },
): Promise<void> {
  await client.query(
    `CREATE TABLE ride."${name}" (LIKE ride."${parent}" INCLUDING ALL) ${withPartitionSettings()};
     ALTER TABLE ride."${parent}" ATTACH PARTITION ride."${name}" ${bounds}`,
  );
}

/** Returns the number of rows. */
async function copyRows(
  client: pg.ClientBase,
  { name, columns }: StoredTable,
  reader: BlockReader,
  signal: AbortSignal,
): Promise<number> {
  const list = columns.map((column) => `"${column}"`).join(', ');
  const stream = client.query(copyFrom(`COPY ride."${name}" (${list}) FROM STDIN`));
  await pipeline(Readable.from(reader.untilEmpty(), { objectMode: false }), stream, { signal });
  const { rows } = (await reader.nextJson()) as { readonly rows: number };
  if (stream.rowCount !== rows) {
    throw damaged(`ride.${name} has ${stream.rowCount} rows, expected ${rows}`);
  }
  return rows;
}
