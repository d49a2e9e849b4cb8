import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '@hailstream/service/testing';
import { migrate } from '../src/database/migrate.postgres.js';
import { buildPartitionIndexes } from '../src/database/partition-indexes.postgres.js';
import { createPartitions } from '../src/storage/partitions.postgres.js';
import { createTestDatabase, DAY_MS, YESTERDAY, type TestDatabase } from './_util.js';

let database: TestDatabase;
let pool: pg.Pool;
const DAY = YESTERDAY / DAY_MS;
const INDEX = 'telemetry_device_id_timestamp_idx';

beforeEach(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => {});
  await migrate(pool);
  await database.query(`DROP INDEX ride.${INDEX}`);
  await createDays([DAY, DAY - 1, DAY - 2]);
  for (const day of [DAY, DAY - 1, DAY - 2]) await insertRow(day);
  await database.query(`CREATE INDEX ${INDEX} ON ONLY ride.telemetry (device_id, "timestamp")`);
});

afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function createDays(days: readonly number[]): Promise<void> {
  const client = await pool.connect();
  try {
    await createPartitions(client, 'telemetry', { days, nowMs: Date.now() });
  } finally {
    client.release();
  }
}

async function insertRow(day: number, query: Pick<pg.ClientBase, 'query'> = pool): Promise<void> {
  await query.query(
    `INSERT INTO ride.telemetry (telemetry_id, device_id, provider_id, "timestamp", lat, lng, h3_cell)
     VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $1, 1, 2, 3)`,
    [new Date(day * DAY_MS)],
  );
}

/** Names of the partitions that have the index, attached to that of the table. */
async function indexed(): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `SELECT indrelid::regclass::text AS name FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid
     WHERE inhparent = 'ride.${INDEX}'::regclass AND indisvalid ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

const isValid = (): Promise<boolean> =>
  database.one(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'ride.${INDEX}'::regclass`);
const nameOf = (day: number): string =>
  `ride.telemetry_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;
const suffix = INDEX.slice('telemetry'.length);

describe(buildPartitionIndexes, () => {
  it('builds the index of each existing partition, once', async () => {
    expect([await indexed(), await isValid()]).toEqual([[], false]);
    // Created meanwhile: it has the index already.
    await createDays([DAY + 1]);
    expect(await indexed()).toEqual([nameOf(DAY + 1)]);
    const built: string[] = [];
    await buildPartitionIndexes(pool, (name) => built.push(name));
    expect(built).toEqual([DAY, DAY - 1, DAY - 2].map((day) => `${nameOf(day).slice(5)}${suffix}`));
    expect(await isValid()).toBe(true);
    expect(await indexed()).toEqual([DAY - 2, DAY - 1, DAY, DAY + 1].map(nameOf));
    const again: string[] = [];
    await buildPartitionIndexes(pool, (name) => again.push(name));
    expect(again).toEqual([]);
  });

  it('is done by two processes together', async () => {
    const built: string[] = [];
    const build = () => buildPartitionIndexes(pool, (name) => built.push(name));
    await Promise.all([build(), build()]);
    expect(built.toSorted()).toEqual([...new Set(built)].toSorted());
    expect(built).toHaveLength(3);
    expect(await isValid()).toBe(true);
  });

  it('uses an index that was built before', async () => {
    const name = `${nameOf(DAY).slice(5)}${suffix}`;
    await database.query(`CREATE INDEX CONCURRENTLY ${name} ON ${nameOf(DAY)} (device_id, "timestamp")`);
    const oidOf = () => database.one(`SELECT 'ride.${name}'::regclass::oid`);
    const before = await oidOf();
    await buildPartitionIndexes(pool);
    expect(await oidOf()).toEqual(before);
    expect(await isValid()).toBe(true);
  });

  it('does not wait for queries, and waits for loads into the partition only', async () => {
    const [query, load] = [await pool.connect(), await pool.connect()];
    await query.query(`BEGIN; SELECT count(*) FROM ride.telemetry`);
    await load.query('BEGIN');
    // The partitions are built in descending order: the last one waits.
    await insertRow(DAY - 2, load);
    const built: string[] = [];
    const building = buildPartitionIndexes(pool, (name) => built.push(name));
    await until(() => Promise.resolve(built.length === 2));
    await until(() => database.one<boolean>('SELECT bool_or(NOT granted) FROM pg_locks'));
    expect(await indexed()).toEqual([nameOf(DAY - 1), nameOf(DAY)]);
    await load.query('COMMIT');
    await building;
    expect(await isValid()).toBe(true);
    await query.query('COMMIT');
    query.release();
    load.release();
  });
});
