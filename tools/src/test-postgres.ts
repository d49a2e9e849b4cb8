import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { startPostgres, type RunningPostgres } from './postgres.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A Postgres for the whole run. Each test file makes a database of its own in it. */
    databaseUrl: string;
  }
}

/** Nothing of a test run has to survive a power cut. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off' };

let folder: string | undefined;
let postgres: RunningPostgres | undefined;

/** One server for the run, unless `TEST_DATABASE_URL` names another, whose user may create databases. */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') {
    project.provide('databaseUrl', given);
    return;
  }
  folder = await mkdtemp(join(tmpdir(), 'hailstream-test-postgres-'));
  // Where we are root, the server is another user, who has to get to its folder.
  await chmod(folder, 0o711);
  postgres = await startPostgres({ dataDir: join(folder, 'data'), port: 0, settings: SETTINGS });
  project.provide('databaseUrl', postgres.url);
}

export async function teardown(): Promise<void> {
  await postgres?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
