import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';

const FOLDER = new URL('../../migrations/', import.meta.url);
const FILE_NAME = /^(\d{3})-[a-z-]+\.sql$/;
/** Any number, as long as it is the same in every process: whoever has this lock migrates. */
const LOCK = 7_245_117;

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/**
 * Brings the schema up to date: each file of `migrations/`, in the order of its number, once, in a transaction of its
 * own. Whoever else does the same at the same time waits. Returns the names of those applied.
 */
export async function migrate(pool: pg.Pool): Promise<string[]> {
  const migrations = await readMigrations();
  const applied: string[] = [];
  for (const migration of migrations) {
    if (await apply(pool, migration)) applied.push(migration.name);
  }
  return applied;
}

async function readMigrations(): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const name of (await readdir(FOLDER)).toSorted()) {
    const version = FILE_NAME.exec(name)?.[1];
    if (version === undefined) throw new Error(`migrations/${name}: not named NNN-words.sql`);
    migrations.push({
      version: Number(version),
      name,
      sql: await readFile(new URL(name, FOLDER), 'utf8'),
    });
  }
  return migrations;
}

async function apply(pool: pg.Pool, migration: Migration): Promise<boolean> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    // A migration takes as long as the rows that it changes: the bound for a chunk's statements is not its own.
    await client.query('BEGIN; SET LOCAL statement_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await client.query(
      `CREATE TABLE IF NOT EXISTS public.hailstream_migrations (
         version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const recorded = await client.query(
      `INSERT INTO public.hailstream_migrations (version, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
      [migration.version, migration.name],
    );
    if (recorded.rowCount === 1) await client.query(migration.sql);
    await client.query('COMMIT');
    return recorded.rowCount === 1;
  } catch (error) {
    failure = error as Error;
    throw new Error(`migrations/${migration.name}: ${failure.message}`, { cause: error });
  } finally {
    // A connection with an open transaction is not for the pool.
    client.release(failure);
  }
}
