import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { startPostgres, type RunningPostgres } from './postgres.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the Postgres of this test run. Each test file creates its own database in it. */
    databaseUrl: string;
  }
}

/** Data of a test run need not survive a power cut. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off' };

let folder: string | undefined;
let postgres: RunningPostgres | undefined;

/** Starts one server for the run, unless `TEST_DATABASE_URL` is set; its user must be allowed to create databases. */
export async function setup(project: TestProject): Promise<void> {
  const externalUrl = process.env['TEST_DATABASE_URL'];
  if (externalUrl !== undefined && externalUrl !== '') {
    project.provide('databaseUrl', externalUrl);
    return;
  }
  folder = await mkdtemp(join(tmpdir(), 'hailstream-test-postgres-'));
  // For root, the server runs as another user, who must be able to enter the folder.
  await chmod(folder, 0o711);
  postgres = await startPostgres({ dataDir: join(folder, 'data'), port: 0, settings: SETTINGS });
  project.provide('databaseUrl', postgres.url);
}

export async function teardown(): Promise<void> {
  await postgres?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
