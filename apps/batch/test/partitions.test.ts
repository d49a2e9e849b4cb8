import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadResult } from '../src/load/load-result.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function loadOnce({
  followUpMs = Infinity,
  ...settings
}: { chunkRecords?: number; maxAgeDays?: number; followUpMs?: number } = {}): Promise<LoadResult> {
  await using loads = await createLoadRunner(broker, database, settings);
  return await loads.load(new AbortController().signal, { followUpMs });
}

async function appendEvents(topic: string, events: readonly object[], key = 'k'): Promise<void> {
  await append(
    broker,
    topic,
    events.map((value) => ({ key, value })),
  );
}

/** The next load reads the log from its start. */
async function readAgain(): Promise<void> {
  await database.query('DELETE FROM ride.log_positions');
}

const countTelemetry = (): Promise<string> => database.one('SELECT count(*) FROM ride.telemetry');
const partitionsOf = async (table: string): Promise<string[]> =>
  (
    await database.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1`,
      [`ride.${table}`],
    )
  ).map(({ name }) => name);
const nameOf = (timeMs: number): string =>
  `ride.telemetry_${new Date(timeMs).toISOString().slice(0, 10).replaceAll('-', '')}`;

describe('events on many different days', () => {
  it('are loaded into few partitions by concurrent loads', async () => {
    const times = Array.from({ length: 1_800 }, (_, day) => YESTERDAY + 60_000 - day * DAY_MS);
    await Promise.all([
      appendEvents(
        telemetryFamily.topic.name,
        times.map((timestamp) => makeTelemetry({ timestamp })),
      ),
      appendEvents(
        vehicleEventFamily.topic.name,
        times.map((timestamp) => makeVehicleEvent({ timestamp })),
      ),
      appendEvents(
        riderEventFamily.topic.name,
        times.map((timestamp) => makeRiderEvent({ timestamp })),
      ),
      appendEvents(
        tripFamily.topic.name,
        times.map((time) => makeTrip({ start_time: time, end_time: time })),
      ),
    ]);
    const results = await Promise.all([loadOnce({ chunkRecords: 200 }), loadOnce({ chunkRecords: 200 })]);
    expect(results[0]!.rows + results[1]!.rows).toBe(4 * times.length);
    expect(results[0]!.rejects + results[1]!.rejects).toBe(0);
    for (const table of ['telemetry', 'vehicle_events', 'rider_events', 'trips']) {
      expect((await partitionsOf(table)).length).toBeLessThan(60);
      expect(await database.one(`SELECT count(*) FROM ride.${table}`)).toBe('1800');
    }
    for (const view of ['trips_per_hour', 'vehicle_utilisation', 'supply_demand']) {
      expect(Number(await database.one(`SELECT count(*) FROM analysis.${view}`))).toBeGreaterThan(0);
    }
  }, 180_000);

  it('do not delay loads, and the latest are aggregated first', async () => {
    const days = Array.from({ length: 200 }, (_, day) => YESTERDAY - day * DAY_MS);
    await appendEvents(
      vehicleEventFamily.topic.name,
      days.map((timestamp) => makeVehicleEvent({ timestamp })),
    );
    const isAggregated = async (day: number) =>
      (await database.one(
        `SELECT count(*) FROM ride.provider_quarters WHERE quarter = '${new Date(day).toISOString()}'`,
      )) === '1';
    expect(await loadOnce({ followUpMs: 1 })).toMatchObject({ rows: days.length });
    expect(await isAggregated(days[0]!)).toBe(true);
    expect(await isAggregated(days.at(-1)!)).toBe(false);
    const marked = Number(await database.one('SELECT count(DISTINCT quarter) FROM ride.stale_quarters'));
    expect(marked).toBeGreaterThan(0);
    // The next loads continue, and load what was sent meanwhile.
    await appendEvents(vehicleEventFamily.topic.name, [makeVehicleEvent({ timestamp: YESTERDAY })]);
    expect(await loadOnce({ followUpMs: 1 })).toMatchObject({ rows: 1 });
    const left = Number(await database.one('SELECT count(DISTINCT quarter) FROM ride.stale_quarters'));
    expect(left).toBeLessThan(marked);
    await loadOnce();
    expect(await database.one('SELECT count(*) FROM ride.stale_quarters')).toBe('0');
    expect(await isAggregated(days.at(-1)!)).toBe(true);
  });

  it('are read only from the partitions that contain them', async () => {
    const ages = [0, 100, 200, 1_000];
    await appendEvents(
      telemetryFamily.topic.name,
      ages.map((days) => makeTelemetry({ timestamp: YESTERDAY - days * DAY_MS })),
    );
    await loadOnce();
    expect(await partitionsOf('telemetry')).toHaveLength(ages.length);
    for (const days of ages) {
      const from = new Date(YESTERDAY - days * DAY_MS);
      const plan = await database.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT * FROM ride.telemetry
         WHERE "timestamp" >= '${from.toISOString()}' AND "timestamp" < '${from.toISOString()}'::timestamptz + interval '1 day'`,
      );
      const scans = plan.map((line) => line['QUERY PLAN']).filter((line) => line.includes('Scan on'));
      expect(scans).toHaveLength(1);
    }
  });
});

describe('an event that is older than EVENTS_MAX_AGE_DAYS', () => {
  it('is rejected with the limit, and a more recent one is loaded', async () => {
    await appendEvents(
      telemetryFamily.topic.name,
      [9, 20].map((days) => makeTelemetry({ timestamp: Date.now() - days * DAY_MS })),
    );
    expect(await loadOnce({ maxAgeDays: 10 })).toMatchObject({ rows: 1, rejects: 1 });
    expect(await database.one('SELECT reason FROM ride.rejects')).toBe(
      "the event's time must not be more than 10 days (EVENTS_MAX_AGE_DAYS) before its receipt",
    );
  });
});

describe('partitions', () => {
  it('are created while a query reads the table, which does not block', async () => {
    await appendEvents(telemetryFamily.topic.name, [makeTelemetry()]);
    await loadOnce();
    const reader = new pg.Client({ connectionString: database.url });
    await reader.connect();
    try {
      await reader.query('BEGIN');
      await reader.query('SELECT count(*) FROM ride.telemetry');
      await appendEvents(telemetryFamily.topic.name, [makeTelemetry({ timestamp: YESTERDAY - 3 * DAY_MS })]);
      expect(await loadOnce()).toMatchObject({ rows: 1 });
      const { rows } = await reader.query('SELECT count(*) FROM ride.telemetry');
      expect(rows).toEqual([{ count: '2' }]);
    } finally {
      await reader.end();
    }
  });

  it('of the first release are kept when other days are added', async () => {
    await loadOnce();
    const day = Date.UTC(new Date().getUTCFullYear() - 1, 2, 10);
    for (const time of [day, day + 2 * DAY_MS]) {
      const [from, to] = [time, time + DAY_MS].map((ms) => new Date(ms).toISOString());
      await database.query(
        `CREATE TABLE ${nameOf(time)} (LIKE ride.telemetry INCLUDING ALL);
         ALTER TABLE ride.telemetry ATTACH PARTITION ${nameOf(time)} FOR VALUES FROM ('${from}') TO ('${to}')`,
      );
    }
    const times = [-9, -1, 0, 1, 2, 3, 9].map((days) => day + days * DAY_MS + 1);
    await appendEvents(
      telemetryFamily.topic.name,
      times.map((timestamp) => makeTelemetry({ timestamp })),
    );
    expect(await loadOnce()).toMatchObject({ rows: times.length, rejects: 0 });
    const placed = await database.query<{ name: string }>(
      'SELECT tableoid::regclass::text AS name FROM ride.telemetry ORDER BY "timestamp"',
    );
    const names = placed.map(({ name }) => name);
    expect([names[2], names[4]]).toEqual([nameOf(day), nameOf(day + 2 * DAY_MS)]);
    expect(new Set(names).size).toBe(5);
  });

  it('are found in sessions with another time zone and date style', async () => {
    await database.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Pacific/Auckland''', current_database());
         EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database()); END $$`,
    );
    for (const hours of [0, 23.9]) {
      await appendEvents(telemetryFamily.topic.name, [
        makeTelemetry({ timestamp: YESTERDAY + hours * 3_600_000 }),
      ]);
      expect(await loadOnce()).toMatchObject({ rows: 1 });
    }
    expect(await partitionsOf('telemetry')).toEqual([nameOf(YESTERDAY)]);
    expect(await database.one(`SELECT to_char(day, 'YYYYMMDD') FROM ride.telemetry_seen LIMIT 1`)).toBe(
      nameOf(YESTERDAY).slice(-8),
    );
  });
});

describe('a dropped day', () => {
  const other = YESTERDAY - DAY_MS;
  const points = [YESTERDAY, YESTERDAY + 1, other].map((timestamp) => makeTelemetry({ timestamp }));

  it.each([
    ['dropped', (name: string) => `DROP TABLE ${name}`],
    ['detached', (name: string) => `ALTER TABLE ride.telemetry DETACH PARTITION ${name}`],
  ])(
    'with its partition (%s) can be loaded again without loading other events twice',
    async (_, statement) => {
      await appendEvents(telemetryFamily.topic.name, points);
      await loadOnce();
      await database.query(statement(nameOf(YESTERDAY)));
      expect(await countTelemetry()).toBe('1');
      await readAgain();
      expect(await loadOnce()).toMatchObject({ rows: 2, rejects: 0 });
      expect(await countTelemetry()).toBe('3');
      await readAgain();
      expect(await loadOnce()).toMatchObject({ rows: 0 });
    },
  );

  it('from a partition of a month can be loaded again', async () => {
    const old = points.map((point) => ({ ...point, timestamp: point.timestamp - 200 * DAY_MS }));
    await appendEvents(telemetryFamily.topic.name, old);
    await loadOnce();
    const day = new Date(YESTERDAY - 200 * DAY_MS).toISOString();
    await database.query(
      `DELETE FROM ride.telemetry WHERE "timestamp" >= '${day}' AND "timestamp" < '${day}'::timestamptz + interval '1 day'`,
    );
    await database.query(`DELETE FROM ride.telemetry_seen WHERE day = '${day.slice(0, 10)}'`);
    await readAgain();
    expect(await loadOnce()).toMatchObject({ rows: 2, rejects: 0 });
    expect(await countTelemetry()).toBe('3');
  });
});
