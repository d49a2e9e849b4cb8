import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { telemetryFamily, type Telemetry } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import { digestOf } from '../src/positions/position.js';
import { retryRejects } from '../src/rejects/retry-rejects.postgres.js';
import { tablesByTopic } from '../src/rows/tables.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  PROVIDER,
  retentionOf,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** The last migration of the previous version. */
const PREVIOUS = 6;
const ROWS = 500_000;
/** Number of days of these rows. The last one is yesterday. */
const DAYS = 5;
/** Number of records of the log that the previous version has loaded. */
const LOADED = 2_000;

let broker: TestBroker;
let database: TestDatabase;
let pool: pg.Pool;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => {});
  await createPreviousSchema();
});

afterEach(async () => {
  await pool.end();
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

async function createPreviousSchema(): Promise<void> {
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
}

/** Rows and keys as written by the previous version. */
async function writeRows(points: readonly Telemetry[], generated: number): Promise<void> {
  for (let day = 0; day < DAYS; day += 1) {
    const from = new Date(YESTERDAY - day * DAY_MS).toISOString();
    const to = new Date(YESTERDAY - (day - 1) * DAY_MS).toISOString();
    const name = `telemetry_${from.slice(0, 10).replaceAll('-', '')}`;
    await database.query(
      `CREATE TABLE ride.${name} (LIKE ride.telemetry INCLUDING ALL);
       ALTER TABLE ride.telemetry ATTACH PARTITION ride.${name} FOR VALUES FROM ('${from}') TO ('${to}')`,
    );
  }
  const insert = `INSERT INTO ride.telemetry (telemetry_id, device_id, provider_id, "timestamp", lat, lng, h3_cell)`;
  await database.query(
    `${insert} SELECT id, device_id, $1, to_timestamp(ms / 1000.0), 43.7, 7.4, 1
     FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS points (id, device_id, ms)`,
    [
      PROVIDER,
      points.map((point) => point.telemetry_id),
      points.map((point) => point.device_id),
      points.map((point) => point.timestamp),
    ],
  );
  await database.query(
    `${insert} SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(to_hex(number % 1000), 12, '0'))::uuid, $1,
       $2::timestamptz - (number % $3) * interval '1 day' + number * interval '10 milliseconds', 43.7, 7.4, 1
     FROM generate_series(1, $4::integer) AS number`,
    [PROVIDER, new Date(YESTERDAY), DAYS, generated],
  );
  await database.query(
    `INSERT INTO ride.telemetry_seen
     SELECT telemetry_id, provider_id, ("timestamp" AT TIME ZONE 'UTC')::date FROM ride.telemetry`,
  );
}

/** The position after the loaded records, and one reject among them. */
async function writePosition(records: readonly Telemetry[], rejected: { offset: number; event: Telemetry }) {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  const topic = telemetryFamily.topic.name;
  const { clusterId, topicId } = (await admin.identities([topic])).get(topic)!;
  const ends = [...(await admin.offsets(topic))];
  const [partition] = ends.find(([, { latest }]) => latest > 0n)!;
  const value = Buffer.from(JSON.stringify(records[LOADED - 1]));
  const timestampMs = records[LOADED - 1]!.timestamp;
  const digest = digestOf({ key: Buffer.from(KEY), value, timestampMs });
  await database.query(
    `INSERT INTO ride.log_positions
       (topic, partition, next_offset, cluster_id, topic_id, moved_at, last_offset, last_digest, last_next_offset)
     VALUES ($1, $2, $3, $4, $5, now(), $6, $7, $3)`,
    [topic, partition, LOADED, clusterId, topicId, LOADED - 1, digest],
  );
  await database.query(
    `INSERT INTO ride.rejects (topic, partition, "offset", reason, key, value, received_at, timestamp_ms)
     VALUES ($1, $2, $3, 'the event''s time is more than 1 days ago: EVENTS_MAX_AGE_DAYS', $4, $5, now(), $6)`,
    [
      topic,
      partition,
      rejected.offset,
      Buffer.from(KEY),
      Buffer.from(JSON.stringify(rejected.event)),
      Date.now(),
    ],
  );
}

/** All records have the same key and are in one partition of the log. */
const KEY = 'k';

async function appendAll(points: readonly Telemetry[]): Promise<void> {
  await append(
    broker,
    telemetryFamily.topic.name,
    toRecords(points).map((record, index) => ({
      ...record,
      key: KEY,
      timestampMs: points[index]!.timestamp,
    })),
  );
}

/** One vehicle's day is read with an index of one partition, which has the rows of the previous version. */
async function requireIndexOfDevices(): Promise<void> {
  const lines = await database.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT * FROM ride.telemetry WHERE device_id = '${randomUUID()}'
       AND "timestamp" >= '${new Date(YESTERDAY).toISOString()}' AND "timestamp" < '${new Date(YESTERDAY + DAY_MS).toISOString()}'`,
  );
  const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
  const day = new Date(YESTERDAY).toISOString().slice(0, 10).replaceAll('-', '');
  expect(plan).toContain(`telemetry_${day}_device_id_timestamp_idx`);
  expect(plan).not.toMatch(/Seq Scan|Append/);
}

describe('an upgrade from the previous version', () => {
  it('keeps 500,000 rows, and later loads are exactly-once', { timeout: 120_000 }, async () => {
    const points = Array.from({ length: LOADED + 1_000 }, (_, index) =>
      makeTelemetry({ timestamp: YESTERDAY + index * 1_000 }),
    );
    await appendAll(points);
    const rejected = { offset: 1_234, event: points[1_234]! };
    const loaded = points.slice(0, LOADED).filter((point) => point !== rejected.event);
    await writeRows(loaded, ROWS - loaded.length);
    await writePosition(points, rejected);

    expect((await migrate(pool)).every((name) => Number(name.slice(0, 3)) > PREVIOUS)).toBe(true);
    expect(await database.one('SELECT count(*)::integer FROM ride.telemetry')).toBe(ROWS);
    expect(await database.query('SELECT "offset", consumer_group, attempts FROM ride.rejects')).toEqual([
      { offset: '1234', consumer_group: 'hailstream-batch', attempts: 1 },
    ]);

    const generated = await database.query<{ id: string }>(
      `SELECT telemetry_id AS id FROM ride.telemetry WHERE h3_cell = 1 LIMIT 100`,
    );
    await appendAll([
      ...loaded.slice(0, 300),
      ...loaded.slice(300, 500).map((point) => ({ ...point, timestamp: point.timestamp + 1 })),
      ...generated.map(({ id }) => makeTelemetry({ telemetry_id: id })),
      ...loaded.slice(0, 50).map((point) => ({ ...point, provider_id: randomUUID() })),
    ]);
    await using runner = await createLoadRunner(broker, database);
    const { signal } = new AbortController();
    expect(await runner.load(signal)).toMatchObject({ rows: 1_050, duplicates: 600, rejects: 0 });
    expect(await database.one('SELECT count(*)::integer FROM ride.telemetry WHERE received_at IS NULL')).toBe(
      ROWS,
    );
    await requireIndexOfDevices();
    expect(
      Object.fromEntries(
        await retryRejects(
          pool,
          { isDryRun: false, maxAgeDays: 30, retention: retentionOf(), tables: tablesByTopic },
          signal,
        ),
      ),
    ).toEqual({
      [telemetryFamily.topic.name]: { retried: 1, rows: 1, duplicates: 0, expired: 0, erased: 0, rejects: 0 },
    });
    expect(await runner.load(signal)).toMatchObject({ read: 0 });
    const total = ROWS + 1_051;
    expect(
      await database.query(
        `SELECT count(*)::integer AS rows, count(DISTINCT (telemetry_id, provider_id))::integer AS ids
         FROM ride.telemetry`,
      ),
    ).toEqual([{ rows: total, ids: total }]);
    expect(await database.one('SELECT count(*)::integer FROM ride.telemetry_seen')).toBe(total);
    expect(await database.query('SELECT * FROM ride.rejects')).toEqual([]);
  });

  it('waits for the running transaction of a load, whose next one fails and loads nothing', async () => {
    await database.query(`INSERT INTO ride.log_positions VALUES ('ride.telemetry', 0, 0)`);
    const load = await pool.connect();
    await load.query('BEGIN');
    await load.query(`SELECT next_offset FROM ride.log_positions WHERE topic = 'ride.telemetry' FOR UPDATE`);
    const migrated = migrate(pool);
    await until(() => database.one<boolean>('SELECT bool_or(NOT granted) FROM pg_locks'));
    const insertKey = `INSERT INTO ride.telemetry_seen (id, provider_id, day) VALUES ($1, $2, current_date)`;
    await load.query(insertKey, [randomUUID(), PROVIDER]);
    await load.query(`UPDATE ride.log_positions SET next_offset = 1 WHERE topic = 'ride.telemetry'`);
    await load.query('COMMIT');
    expect(await migrated).not.toEqual([]);
    expect(await database.query('SELECT next_offset, job FROM ride.log_positions')).toEqual([
      { next_offset: '1', job: 'load' },
    ]);
    expect(await database.one('SELECT count(*)::integer FROM ride.telemetry_seen')).toBe(1);
    await expect(load.query(insertKey, [randomUUID(), PROVIDER])).rejects.toMatchObject({ code: '23502' });
    load.release();
  });
});
