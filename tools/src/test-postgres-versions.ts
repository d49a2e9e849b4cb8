import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.js';
import { findBinaries, installBinaries, type OtherVersion } from './postgres/binaries.js';
import type {} from './test-postgres.js';

const ROLE = 'batch_owner';

/**
 * Starts the version of Postgres that the name of the project ends with, and provides the login of a role that may create
 * databases and roles, and is not a superuser. Returns how to end it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const major = Number(/\d+$/.exec(project.name)?.[0]);
  const binaries = major === 18 ? await findBinaries() : await installBinaries(major as OtherVersion);
  const folder = await mkdtemp(join(tmpdir(), 'hailstream-test-postgres-'));
  // For root, the server runs as another user, who must be able to enter the folder.
  await chmod(folder, 0o711);
  const settings = { fsync: 'off', full_page_writes: 'off' };
  const postgres = await startPostgres({ dataDir: join(folder, 'data'), port: 0, settings, binaries });
  const stop = async (): Promise<void> => {
    await postgres[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await createRole(postgres.url, major);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = new URL(postgres.url);
  url.username = ROLE;
  url.password = ROLE;
  project.provide('databaseUrl', url.href);
  return stop;
}

async function createRole(url: string, major: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::integer / 10000 AS version`,
    );
    if (rows[0]!.version !== major) throw new Error(`expected Postgres ${major}, got ${rows[0]!.version}`);
    await client.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${ROLE}' CREATEDB CREATEROLE`);
  } finally {
    await client.end();
  }
}
