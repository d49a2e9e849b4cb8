import { readdir, readFile } from 'node:fs/promises';
import { telemetryFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import { analyzeTables } from '../src/storage/analyze-tables.postgres.js';
import { createPartitions } from '../src/storage/partitions.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTrack,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** The last migration before the settings of partitions. */
const PREVIOUS = 13;

let broker: TestBroker;
let database: TestDatabase;
let pool: pg.Pool;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => {});
});

afterEach(async () => {
  await pool.end();
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

const nameOf = (timeMs: number): string =>
  `telemetry_${new Date(timeMs).toISOString().slice(0, 10).replaceAll('-', '')}`;

/** The schema and a partition of the day before yesterday, as created by the previous version. */
async function createPreviousVersion(): Promise<void> {
  await database.query(
    `CREATE SCHEMA ride; CREATE TABLE ride.hailstream_migrations (
       version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  );
  for (const name of (await readdir(MIGRATIONS)).toSorted()) {
    const version = Number(name.slice(0, 3));
    if (version > PREVIOUS) continue;
    await database.query(await readFile(new URL(name, MIGRATIONS), 'utf8'));
    await database.query('INSERT INTO ride.hailstream_migrations (version, name) VALUES ($1, $2)', [
      version,
      name,
    ]);
  }
  const day = YESTERDAY - DAY_MS;
  const [from, to] = [day, day + DAY_MS].map((time) => new Date(time).toISOString());
  await database.query(
    `CREATE TABLE ride.${nameOf(day)} (LIKE ride.telemetry INCLUDING ALL);
     ALTER TABLE ride.telemetry ATTACH PARTITION ride.${nameOf(day)} FOR VALUES FROM ('${from}') TO ('${to}')`,
  );
}

describe('settings of autovacuum', () => {
  it('are the same in partitions of the previous version and in new ones', async () => {
    await createPreviousVersion();
    await migrate(pool);
    const client = await pool.connect();
    await createPartitions(client, 'telemetry', { days: [YESTERDAY / DAY_MS], nowMs: Date.now() });
    client.release();
    const [previous, created] = await Promise.all(
      [YESTERDAY - DAY_MS, YESTERDAY].map((day) =>
        database.one<string[]>('SELECT reloptions FROM pg_class WHERE relname = $1', [nameOf(day)]),
      ),
    );
    expect(created!.toSorted()).toEqual(previous!.toSorted());
    expect(created).toContain('autovacuum_freeze_min_age=0');
  });
});

/** Values of `device_id` that the statistics of the table, not those of its partitions, tell. */
const knownDevices = async (): Promise<number | undefined> =>
  (
    await database.query<{ distinct: number }>(
      `SELECT n_distinct AS distinct FROM pg_stats
       WHERE schemaname = 'ride' AND tablename = 'telemetry' AND attname = 'device_id' AND inherited`,
    )
  )[0]?.distinct;

async function load(points: number): Promise<void> {
  await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points, devices: 40 })));
  await using runner = await createLoadRunner(broker, database);
  await runner.load(new AbortController().signal);
}

describe('a load', () => {
  it('analyses a table whose partitions have many new rows', async () => {
    await load(2_000);
    // Nobody has counted the rows of the partition yet.
    expect(await knownDevices()).toBeUndefined();
    // As autovacuum does.
    await database.query(`ANALYZE ride.${nameOf(YESTERDAY)}`);
    await load(10);
    expect(await knownDevices()).toBe(50);
  });
});

describe(analyzeTables, () => {
  it('analyses a table again only if its number of rows has changed, and some time later', async () => {
    await load(2_000);
    await database.query(`ANALYZE ride.${nameOf(YESTERDAY)}`);
    expect(await analyzeTables(pool, ['telemetry', 'trips'])).toEqual(['telemetry']);
    expect(await analyzeTables(pool, ['telemetry', 'trips'], { intervalMs: 0 })).toEqual([]);
    await load(1_000);
    await database.query(`ANALYZE ride.${nameOf(YESTERDAY)}`);
    expect(await analyzeTables(pool, ['telemetry'])).toEqual([]);
    expect(await analyzeTables(pool, ['telemetry'], { intervalMs: 0 })).toEqual(['telemetry']);
  });
});
