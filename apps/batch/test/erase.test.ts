import { createHash, randomUUID } from 'node:crypto';
import {
  deadLetterTopic,
  erasureExample,
  erasureTopic,
  erasureValidator,
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type ErasureKind,
} from '@hailstream/events';
import { createAdmin, createRangeReader, type Admin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { Eraser, type ErasureResult } from '../src/erasure/eraser.service.js';
import type { LoadResult } from '../src/load/load-result.js';
import { tablesByTopic } from '../src/rows/tables.js';
import { failingAfter } from './_failing-pool.js';
import { occurrencesIn } from './_occurrences.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  loadConfigOf,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  silent,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const never = new AbortController().signal;
const device = randomUUID();
const rider = randomUUID();
const place = { lat: 43.738412, lng: 7.424601 };

let broker: TestBroker;
let database: TestDatabase;
let pool: Pool;
let admin: Admin;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  pool = createPool({ url: database.url, size: 3, logger: silent });
  admin = createAdmin({ connection: connectionTo(broker), logger: silent });
});

afterEach(async () => {
  await pool.end();
  await admin[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function load(into: TestDatabase = database): Promise<LoadResult> {
  await using runner = await createLoadRunner(broker, into);
  return await runner.load(never);
}

function eraserOf(from: Pool = pool): Eraser {
  return new Eraser(loadConfigOf(broker, database), tablesByTopic, from, admin, silent);
}

function erase(kind: ErasureKind, id: string, isDryRun = false): Promise<ErasureResult> {
  return eraserOf().erase({ kind, id }, { isDryRun, signal: never });
}

const trip = makeTrip({ device_id: device, start_location: place, standard_cost: 1_250, currency: 'EUR' });

/** Two days of a driver with two trips, of which the first is that of the rider, and the same of others. */
async function appendDay(): Promise<void> {
  const of = (deviceId: string, riderId: string, rides: ReturnType<typeof makeTrip>[]) => ({
    telemetry: [0, 1, 2, 30, 31].map((hour) =>
      makeTelemetry({ device_id: deviceId, timestamp: YESTERDAY - hour * 3_600_000, location: place }),
    ),
    events: [0, 30].map((hour) =>
      makeVehicleEvent({ device_id: deviceId, timestamp: YESTERDAY - hour * 3_600_000, location: place }),
    ),
    riders: [makeRiderEvent({ rider_id: riderId, trip_id: rides[0]!.trip_id, location: place })],
    rides,
  });
  for (const { telemetry, events, riders, rides } of [
    of(device, rider, [trip, makeTrip({ device_id: device, start_location: place })]),
    of(randomUUID(), randomUUID(), [makeTrip({ start_location: place }), makeTrip()]),
  ]) {
    await appendTo(telemetryFamily.topic.name, telemetry);
    await appendTo(vehicleEventFamily.topic.name, events);
    await appendTo(riderEventFamily.topic.name, riders);
    await appendTo(tripFamily.topic.name, rides);
  }
}

async function appendTo(topic: string, values: readonly (object | Buffer)[], key = 'k'): Promise<void> {
  await append(
    broker,
    topic,
    values.map((value) => ({ key, value })),
  );
}

const occurrences = (id: string, from = database) => occurrencesIn(from, id);

const count = (table: string): Promise<number> =>
  database.one<number>(`SELECT count(*)::integer FROM ride.${table}`);

describe('erasing a device', () => {
  it('removes its positions and events, and keeps its trips without the id and with coarse places', async () => {
    await appendDay();
    await load();
    const before = await occurrences(device);
    expect(before).toMatchObject({ 'ride.telemetry': 5, 'ride.vehicle_events': 2, 'ride.trips': 2 });
    const rows = Object.values(before).reduce((sum, each) => sum + each, 0);
    const result = await erase('device', device);
    const pseudonymised = before['ride.trips']! + before['ride.ride_outcomes']!;
    expect(result).toMatchObject({ kind: 'device', id: device, pseudonymised, remaining: 0 });
    expect(result.removed).toBe(rows - pseudonymised);
    expect(result.tables).toMatchObject({
      telemetry: { before: 5, removed: 5, pseudonymised: 0, after: 0 },
      trips: { before: 2, removed: 0, pseudonymised: 2, after: 0 },
    });
    expect(await occurrences(device)).toEqual({});
    expect([await count('telemetry'), await count('vehicle_events'), await count('trips')]).toEqual([
      5, 2, 4,
    ]);
    for (const { check } of Object.values(result.tables)) expect(Number(await database.one(check))).toBe(0);
    // Trips are compared again, with the ids that replace the erased one.
    expect([await count('compared_trips'), await count('comparison_marks')]).toEqual([4, 0]);

    const [row] = await database.query('SELECT * FROM ride.trips WHERE trip_id = $1', [trip.trip_id]);
    expect(row).toMatchObject({
      start_location: { lat: 43.74, lng: 7.42 },
      distance: trip.distance,
      duration: trip.duration,
      start_time: new Date(trip.start_time),
      standard_cost: '1250',
    });
    expect(await database.one('SELECT count(DISTINCT device_id)::integer FROM ride.trips')).toBe(4);
    expect(
      await database.one(
        `SELECT count(*)::integer FROM ride.trips WHERE start_location->>'lat' = '43.738412'`,
      ),
    ).toBe(1);
  });

  it('covers tables that did not exist when it was written', async () => {
    await load();
    await database.query(
      `CREATE TABLE ride.later (day date NOT NULL, device_id uuid, seconds integer) PARTITION BY RANGE (day);
       CREATE TABLE ride.later_1 PARTITION OF ride.later FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
       CREATE TABLE ride.later_trips (trip_id uuid PRIMARY KEY, rider_id uuid, device_id uuid,
         device_ids uuid[] NOT NULL, route text, updated_at timestamptz NOT NULL)`,
    );
    const other = randomUUID();
    await database.query(
      `INSERT INTO ride.later VALUES ('2026-05-01', $1, 1), ('2026-05-02', $2, 2), ('2026-05-03', NULL, 3)`,
      [device, other],
    );
    await database.query(
      `INSERT INTO ride.later_trips VALUES (gen_random_uuid(), $3, $1, ARRAY[$1, $2]::uuid[], 'abc', '2026-01-01'),
         (gen_random_uuid(), $3, $2, ARRAY[$2, $1]::uuid[], 'def', '2026-01-01'), (gen_random_uuid(), $3, $2, ARRAY[$2]::uuid[], 'ghi', '2026-01-01')`,
      [device, other, rider],
    );
    expect(await erase('device', device)).toMatchObject({ removed: 1, pseudonymised: 2, remaining: 0 });
    expect(await occurrences(device)).toEqual({});
    expect(await database.query('SELECT seconds FROM ride.later ORDER BY 1')).toEqual([
      { seconds: 2 },
      { seconds: 3 },
    ]);
    expect(
      await database.query(
        `SELECT device_id, device_ids, route, rider_id, updated_at > '2026-02-01' AS changed FROM ride.later_trips ORDER BY route, device_id`,
      ),
    ).toEqual([
      { device_id: other, device_ids: [other], route: 'ghi', rider_id: rider, changed: false },
      { device_id: other, device_ids: [other], route: null, rider_id: rider, changed: true },
      { device_id: null, device_ids: [other], route: null, rider_id: rider, changed: true },
    ]);
    expect(await erase('rider', rider)).toMatchObject({ removed: 0, pseudonymised: 3, remaining: 0 });
    expect(await occurrences(rider)).toEqual({});
  });
});

describe('erasing a rider', () => {
  it('removes the events, and makes the places of the trips coarse', async () => {
    await appendDay();
    await load();
    expect(await erase('rider', rider)).toMatchObject({
      removed: 1,
      pseudonymised: 3,
      remaining: 0,
      tables: {
        trips: { before: 0, pseudonymised: 1 },
        ride_outcomes: { before: 0, pseudonymised: 1 },
        rebuilt_trips: { before: 1, pseudonymised: 1, after: 0 },
      },
    });
    expect(await occurrences(rider)).toEqual({});
    expect([await count('rider_events'), await count('trips'), await count('telemetry')]).toEqual([1, 4, 10]);
    const coarse = await database.query(
      'SELECT trip_id, device_id FROM ride.trips WHERE start_location = $1',
      [{ lat: 43.74, lng: 7.42 }],
    );
    expect(coarse).toEqual([{ trip_id: trip.trip_id, device_id: device }]);
    expect(
      await database.one('SELECT h3_cell FROM ride.ride_outcomes WHERE trip_id = $1', [trip.trip_id]),
    ).toBeNull();
  });
});

describe('erasing dead letters', () => {
  it('removes their content, wherever the id is, and keeps the rows', async () => {
    const invalid = (id: string) => Buffer.from(JSON.stringify({ device_id: id, telemetry_id: 'x' }));
    await appendTo(telemetryFamily.topic.name, [Buffer.from('{')], device);
    await appendTo(telemetryFamily.topic.name, [
      invalid(device),
      invalid(device.toUpperCase()),
      invalid(randomUUID()),
    ]);
    await load();
    expect(await occurrences(device)).toEqual({ 'ride.dead_letters': 3 });
    expect(await erase('device', device)).toMatchObject({ removed: 3, remaining: 0 });
    expect(await occurrences(device)).toEqual({});
    expect(await count('dead_letters')).toBe(4);
    expect(await count('rejects')).toBe(1);
  });

  it('applies to those that are rejected and read later', async () => {
    await load();
    await erase('device', device);
    const value = Buffer.from(JSON.stringify({ device_id: device, telemetry_id: 'x' }));
    await appendTo(telemetryFamily.topic.name, [value]);
    expect(await load()).toMatchObject({ rejects: 1 });
    expect(await occurrences(device)).toEqual({});
    await database.query(`DELETE FROM ride.log_positions WHERE topic = $1`, [deadLetterTopic.name]);
    await load();
    expect(await occurrences(device)).toEqual({});
    expect(await database.query('SELECT reason FROM ride.dead_letters')).toEqual([{ reason: 'erased' }]);
  });
});

describe('an erased id', () => {
  it('is stored as a hash only', async () => {
    await load();
    await erase('rider', rider);
    const salt = await database.one<Buffer>('SELECT salt FROM ride.erasure_salt');
    expect(salt.length).toBe(32);
    expect(
      await database.query('SELECT kind, id_hash, completed_at IS NOT NULL AS done FROM ride.erasures'),
    ).toEqual([
      {
        kind: 'rider',
        id_hash: createHash('sha256').update(salt).update(`rider/${rider}`).digest(),
        done: true,
      },
    ]);
    expect(await occurrences(rider)).toEqual({});
  });

  it('is not loaded again, by a process that ran before and from a log that is read again', async () => {
    await appendDay();
    await using runner = await createLoadRunner(broker, database);
    expect(await runner.load(never)).toMatchObject({ rows: 20, erased: 0 });
    await erase('device', device);
    await erase('rider', rider);
    await appendTo(telemetryFamily.topic.name, [makeTelemetry({ device_id: device }), makeTelemetry()]);
    expect(await runner.load(never)).toMatchObject({ rows: 1, erased: 1, duplicates: 0 });
    await database.query(`DELETE FROM ride.log_positions WHERE topic <> $1`, [erasureTopic.name]);
    expect(await runner.load(never)).toMatchObject({ read: 22, rows: 0, erased: 11, duplicates: 11 });
    expect([await occurrences(device), await occurrences(rider)]).toEqual([{}, {}]);
  });

  it('counts a repeat in the same chunk, and one whose key has expired, as erased', async () => {
    const point = makeTelemetry({ device_id: device });
    await appendTo(telemetryFamily.topic.name, [point]);
    await load();
    await erase('device', device);
    await database.query('DELETE FROM ride.telemetry_seen');
    await appendTo(telemetryFamily.topic.name, [point, point]);
    expect(await load()).toMatchObject({ read: 2, rows: 0, duplicates: 0, erased: 2 });
  });

  it('is neither missing for verify nor loaded by a backfill', async () => {
    await appendDay();
    await load();
    await erase('device', device);
    await using runner = await createLoadRunner(broker, database);
    const range = { from: { kind: 'earliest' }, to: { kind: 'latest' }, partition: undefined } as const;
    const topic = telemetryFamily.topic.name;
    const verified = await runner.verify({ ...range, topics: [topic, tripFamily.topic.name] });
    expect(verified.ok).toBe(true);
    expect(verified.topics[topic]).toMatchObject({ log: 10, rows: 5, removed: 5, missing: 0, extra: 0 });
    expect(verified.topics[tripFamily.topic.name]).toMatchObject({ log: 4, rows: 4, removed: 0 });
    for (const isDryRun of [true, false]) {
      const counts = { read: 10, rows: 0, duplicates: 5, erased: 5 };
      expect(await runner.backfill({ ...range, topic, isDryRun })).toMatchObject(counts);
    }
    expect(await occurrences(device)).toEqual({});
  });

  it('is not loaded into another database from the same log', async () => {
    await appendDay();
    await load();
    await erase('device', device);
    await using other = await createTestDatabase();
    expect(await load(other)).toMatchObject({ rows: 11, erased: 9 });
    expect(await occurrences(device, other)).toEqual({});
  });
});

describe('the record of an erasure', () => {
  it('has the id as its key', async () => {
    await load();
    const { event } = await erase('device', device);
    await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
    const ranges = [{ topic: erasureTopic.name, from: 'earliest', to: 'latest' } as const];
    const records: object[] = [];
    for await (const batch of await reader.readRange({ ranges })) {
      for (const { key, value, offset } of batch.records) {
        const content: unknown = JSON.parse(value!.toString());
        expect(erasureValidator.check(content)).toBe(true);
        records.push({ key: key!.toString(), offset: Number(offset), content });
      }
    }
    expect(records).toEqual([
      {
        key: device,
        offset: event!.offset,
        content: { kind: 'device', id: device, requested_at: expect.any(Number) as number },
      },
    ]);
  });

  it('is applied by the next load if the command was killed after it', async () => {
    await appendDay();
    await load();
    await appendTo(erasureTopic.name, [
      { kind: 'device', id: device, requested_at: Date.now() },
      Buffer.from('not an erasure'),
      { ...erasureExample },
    ]);
    await load();
    expect(await occurrences(device)).toEqual({});
    expect(await database.one('SELECT count(completed_at)::integer FROM ride.erasures')).toBe(2);
  });
});

describe('an interrupted erasure', () => {
  it('is completed by the next one, whichever statement was the last one', { timeout: 60_000 }, async () => {
    await load();
    const seed = `INSERT INTO ride.rider_events (event_id, provider_id, rider_id, trip_id, event_type, "timestamp", lat, lng, h3_cell)
      VALUES (gen_random_uuid(), gen_random_uuid(), $1, gen_random_uuid(), 'ride_cancel', $2, 43.7, 7.4, 1)`;
    await appendTo(riderEventFamily.topic.name, [makeRiderEvent()]);
    await load();
    let statements = 0;
    for (let isDone = false; !isDone; statements += 1) {
      const id = randomUUID();
      for (let row = 0; row < 3; row += 1) await database.query(seed, [id, new Date(YESTERDAY + row)]);
      const record = { kind: 'rider', id, requested_at: Date.now() } as const;
      try {
        await eraserOf(failingAfter(pool, statements)).apply(record, never);
        isDone = true;
      } catch (error) {
        expect((error as Error).message).toBe('killed');
        await eraserOf().apply(record, never);
      }
      expect(await occurrences(id)).toEqual({});
    }
    expect(statements).toBeGreaterThan(20);
    expect(await database.one('SELECT count(*)::integer FROM ride.erasures WHERE completed_at IS NULL')).toBe(
      0,
    );
    expect(await count('rider_events')).toBe(1);
  });

  it('can be repeated, and finds nothing', async () => {
    await appendDay();
    await load();
    await erase('device', device);
    expect(await erase('device', device)).toMatchObject({ removed: 0, pseudonymised: 0, remaining: 0 });
    expect(await load()).toMatchObject({ read: 0 });
  });
});

describe('an erasure', () => {
  it('waits for a load that is writing, and removes its rows', async () => {
    await appendTo(telemetryFamily.topic.name, [makeTelemetry()]);
    await load();
    const writer = new pg.Client({ connectionString: database.url });
    await writer.connect();
    await writer.query('BEGIN');
    await writer.query(
      `INSERT INTO ride.telemetry (telemetry_id, device_id, provider_id, "timestamp", lat, lng, h3_cell)
       SELECT gen_random_uuid(), $1, provider_id, "timestamp", lat, lng, h3_cell FROM ride.telemetry`,
      [device],
    );
    const erased = erase('device', device);
    await until(() => database.one<boolean>('SELECT coalesce(bool_or(NOT granted), false) FROM pg_locks'));
    await writer.query('COMMIT');
    await writer.end();
    expect(await erased).toMatchObject({ removed: 1, remaining: 0 });
    expect(await occurrences(device)).toEqual({});
  });

  it('changes nothing in a dry run', async () => {
    await appendDay();
    await load();
    const before = await occurrences(device);
    const result = await erase('device', device, true);
    const rows = Object.values(before).reduce((sum, each) => sum + each, 0);
    expect(result).toMatchObject({ removed: 0, remaining: rows, dryRun: true, event: null });
    expect(await occurrences(device)).toEqual(before);
    expect(await count('erasures')).toBe(0);
    expect((await admin.offsets(erasureTopic.name)).get(0)?.latest).toBe(0n);
  });

  it('erases nothing if the log does not accept the record', async () => {
    await appendDay();
    await load();
    const before = await occurrences(device);
    await broker[Symbol.asyncDispose]();
    await expect(erase('device', device)).rejects.toMatchObject({ name: 'LogError' });
    expect(await occurrences(device)).toEqual(before);
  });
});
