import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { begin, withConnection } from './pool.postgres.js';
import { missingRights } from './rights.postgres.js';

const FOLDER = new URL('../../migrations/', import.meta.url);
const FILE_NAME = /^(\d{3})-[a-z-]+\.sql$/;
/** Advisory lock of the process that migrates. The same number in every process. */
const LOCK = 7_245_117;

/** The schema could not be brought up to date. `code` is the SQLSTATE if Postgres reported the error. */
class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    message: string,
    readonly code: string | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** SQLSTATE insufficient_privilege. */
const INSUFFICIENT_PRIVILEGE = '42501';

interface MigrateOptions {
  /** Number of the last migration that is applied. @default the newest one */
  readonly until?: number;
}

/**
 * Brings the schema up to date: applies each file of `migrations/` that the database does not have, in the order of the
 * numbers, each in its own transaction. Concurrent calls of other processes wait. Returns the names of the applied files.
 *
 * @throws MigrationError if a right is missing, or a migration fails
 */
export async function migrate(pool: pg.Pool, { until = Infinity }: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations();
  await requireRights(pool);
  const recorded = await readRecorded(pool);
  const applied: string[] = [];
  for (const migration of migrations) {
    if (recorded.has(migration.version) || migration.version > until) continue;
    const isApplied = await withConnection(pool, (client) => apply(client, migration));
    if (isApplied) applied.push(migration.name);
  }
  return applied;
}

async function requireRights(pool: pg.Pool): Promise<void> {
  const missing = await withConnection(pool, missingRights);
  if (missing.length > 0) throw new MigrationError(missing.join('\n'), INSUFFICIENT_PRIVILEGE);
}

/** Returns the versions that are recorded as applied. */
export async function readRecorded(pool: pg.Pool): Promise<ReadonlySet<number>> {
  const table = await recordsTable(pool);
  const { rows: tables } = await pool.query<{ exists: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS exists',
    [table],
  );
  if (tables[0]?.exists !== true) return new Set();
  const { rows } = await pool.query<{ version: number }>(`SELECT version FROM ${table}`);
  return new Set(rows.map(({ version }) => version));
}

/** The first release recorded its migrations in schema public, in which a role cannot create tables by default. */
async function recordsTable(client: Pick<pg.Pool, 'query'>): Promise<string> {
  const { rows } = await client.query<{ first: boolean }>(
    `SELECT to_regclass('public.hailstream_migrations') IS NOT NULL AS first`,
  );
  return rows[0]?.first === true ? 'public.hailstream_migrations' : 'ride.hailstream_migrations';
}

async function readMigrations(): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const name of (await readdir(FOLDER)).toSorted()) {
    const version = FILE_NAME.exec(name)?.[1];
    if (version === undefined) throw new Error(`migrations/${name}: expected a name such as 001-ride.sql`);
    migrations.push({
      version: Number(version),
      name,
      sql: await readFile(new URL(name, FOLDER), 'utf8'),
    });
  }
  return migrations;
}

/** Returns whether this process applied it. */
async function apply(client: pg.ClientBase, migration: Migration): Promise<boolean> {
  try {
    // The duration depends on the number of rows: the bound for the statements of a chunk does not apply.
    await begin(client);
    await client.query('SET LOCAL statement_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const table = await recordsTable(client);
    await client.query(
      `DO $$ BEGIN
         IF to_regnamespace('ride') IS NULL THEN CREATE SCHEMA ride; END IF;
         IF to_regclass('${table}') IS NULL THEN
           CREATE TABLE ${table} (
             version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
         END IF;
       END $$`,
    );
    const recorded = await client.query(
      `INSERT INTO ${table} (version, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
      [migration.version, migration.name],
    );
    if (recorded.rowCount === 1) await client.query(migration.sql);
    await client.query('COMMIT');
    return recorded.rowCount === 1;
  } catch (error) {
    const { message } = error as Error;
    const code = error instanceof pg.DatabaseError ? error.code : undefined;
    throw new MigrationError(`migrations/${migration.name}: ${message}`, code, { cause: error });
  }
}
