import { randomUUID } from 'node:crypto';
import { telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { retryRejects, type RetryOptions } from '../src/rejects/retry-rejects.postgres.js';
import { tablesByTopic } from '../src/rows/tables.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  retentionOf,
  silent,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let database: TestDatabase;
let pool: Pool;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, size: 4, logger: silent });
});

afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function load(topics: Record<string, readonly object[]>, maxAgeDays = 30): Promise<void> {
  await using broker = await startTestBroker();
  for (const [topic, values] of Object.entries(topics)) {
    await append(
      broker,
      topic,
      values.map((value) => ({ key: randomUUID(), value })),
    );
  }
  await using loads = await createLoadRunner(broker, database, { maxAgeDays });
  await loads.load(new AbortController().signal);
}

async function retry(options: Partial<RetryOptions> = {}) {
  const never = new AbortController().signal;
  const counts = await retryRejects(
    pool,
    { isDryRun: false, maxAgeDays: 30, retention: retentionOf(), tables: tablesByTopic, ...options },
    never,
  );
  return Object.fromEntries(counts);
}

const count = (table: string): Promise<string> => database.one(`SELECT count(*) FROM ride.${table}`);
const old = (index: number): number => YESTERDAY - (40 + (index % 25)) * DAY_MS;

describe(retryRejects, () => {
  it('loads records once that the age limit had rejected, after the limit was raised', async () => {
    const points = Array.from({ length: 60 }, (_, index) => makeTelemetry({ timestamp: old(index) }));
    const trip = makeTrip({ start_time: old(1), end_time: old(1) });
    await load({ [telemetryFamily.topic.name]: points, [tripFamily.topic.name]: [trip] });
    expect(await count('rejects')).toBe('61');
    expect(await retry()).toMatchObject({
      [telemetryFamily.topic.name]: { retried: 60, rows: 0, rejects: 60 },
      [tripFamily.topic.name]: { retried: 1, rows: 0, rejects: 1 },
    });
    expect(await retry({ maxAgeDays: 100 })).toEqual({
      [telemetryFamily.topic.name]: {
        retried: 60,
        rows: 60,
        duplicates: 0,
        expired: 0,
        erased: 0,
        rejects: 0,
      },
      [tripFamily.topic.name]: { retried: 1, rows: 1, duplicates: 0, expired: 0, erased: 0, rejects: 0 },
    });
    expect([await count('telemetry'), await count('trips'), await count('rejects')]).toEqual([
      '60',
      '1',
      '0',
    ]);
    expect(await retry({ maxAgeDays: 100 })).toEqual({});
  });

  it('keeps records that cannot be loaded with their new reason, and removes those that were loaded meanwhile', async () => {
    const late = makeTelemetry({ timestamp: old(1) });
    await load({ [telemetryFamily.topic.name]: [late, late, Buffer.from('nonsense')] });
    await database.query(`UPDATE ride.rejects SET reason = 'an older reason'`);
    const again = await retry({ maxAgeDays: 100 });
    expect(again).toEqual({
      [telemetryFamily.topic.name]: { retried: 3, rows: 1, duplicates: 1, expired: 0, erased: 0, rejects: 1 },
    });
    expect(await database.query('SELECT value, reason FROM ride.rejects')).toEqual([
      { value: Buffer.from('nonsense'), reason: expect.stringMatching(/^not JSON: /) as string },
    ]);
    expect(await count('telemetry')).toBe('1');
  });

  it('loads the rejects of one topic or with one reason', async () => {
    const timestamp = old(1);
    await load({
      [telemetryFamily.topic.name]: [makeTelemetry({ timestamp }), Buffer.from('nonsense')],
      [vehicleEventFamily.topic.name]: [makeVehicleEvent({ timestamp })],
    });
    const wide = { maxAgeDays: 100 };
    expect(await retry({ ...wide, topic: vehicleEventFamily.topic.name })).toMatchObject({
      [vehicleEventFamily.topic.name]: { retried: 1, rows: 1 },
    });
    expect(await retry({ ...wide, reason: 'EVENTS_MAX_AGE_DAYS' })).toEqual({
      [telemetryFamily.topic.name]: { retried: 1, rows: 1, duplicates: 0, expired: 0, erased: 0, rejects: 0 },
    });
    expect(await count('rejects')).toBe('1');
  });

  it('returns the same counts in a dry run and changes nothing', async () => {
    await load({
      [telemetryFamily.topic.name]: [makeTelemetry({ timestamp: old(1) }), Buffer.from('nonsense')],
    });
    const before = await database.query('SELECT * FROM ride.rejects ORDER BY value');
    const tables = await count('telemetry_seen');
    const partitions = () =>
      database.one(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'ride.telemetry'::regclass`);
    const partitionsBefore = await partitions();
    expect(await retry({ maxAgeDays: 100, isDryRun: true })).toEqual({
      [telemetryFamily.topic.name]: { retried: 2, rows: 1, duplicates: 0, expired: 0, erased: 0, rejects: 1 },
    });
    expect(await database.query('SELECT * FROM ride.rejects ORDER BY value')).toEqual(before);
    expect([await count('telemetry'), await count('telemetry_seen'), await partitions()]).toEqual([
      '0',
      tables,
      partitionsBefore,
    ]);
  });

  it('loads each reject once with two concurrent runs', async () => {
    const points = Array.from({ length: 200 }, (_, index) => makeTelemetry({ timestamp: old(index) }));
    await load({ [telemetryFamily.topic.name]: points });
    const results = await Promise.all([retry({ maxAgeDays: 100 }), retry({ maxAgeDays: 100 })]);
    const rows = results.map((result) => result[telemetryFamily.topic.name]?.rows ?? 0);
    expect(rows[0]! + rows[1]!).toBe(200);
    expect([await count('telemetry'), await count('rejects')]).toEqual(['200', '0']);
  });

  it('skips a reject whose value was not kept', async () => {
    await load({ [telemetryFamily.topic.name]: [Buffer.from('nonsense')] });
    await database.query(`UPDATE ride.rejects SET value = NULL, reason = 'not kept'`);
    expect(await retry()).toEqual({});
    expect(await database.one('SELECT reason FROM ride.rejects')).toBe('not kept');
  });
});
