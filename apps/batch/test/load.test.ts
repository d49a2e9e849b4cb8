import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { latLngToCell } from 'h3-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadResult } from '../src/load/load-result.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrack,
  makeTrip,
  makeVehicleEvent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;
const never = new AbortController().signal;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function loadOnce(settings?: { chunkRecords?: number }): Promise<LoadResult> {
  await using loads = await createLoadRunner(broker, database, settings);
  return await loads.load(never);
}

const countTelemetry = (): Promise<string> => database.one<string>('SELECT count(*) FROM ride.telemetry');

describe('load', () => {
  it('loads all records of the log and returns its counts', async () => {
    const points = makeTrack({ points: 3_000, devices: 20 });
    await append(broker, telemetryFamily.topic.name, toRecords(points));
    const event = makeVehicleEvent();
    await append(broker, vehicleEventFamily.topic.name, [{ key: event.device_id, value: event }]);
    const result = await loadOnce();
    expect(result).toMatchObject({ rows: 3_001, rejects: 0 });
    const nothing = {
      duplicates: 0,
      rejects: 0,
      expired: 0,
      erased: 0,
      skipped: 0,
      lost: 0,
      lostByPartition: {},
    };
    expect(result.topics[telemetryFamily.topic.name]).toEqual({
      ...nothing,
      read: 3_000,
      rows: 3_000,
      from: 0,
      to: 3_000,
    });
    expect(result.topics[vehicleEventFamily.topic.name]).toEqual({
      ...nothing,
      read: 1,
      rows: 1,
      from: 0,
      to: 1,
    });
    expect(result.topics[tripFamily.topic.name]).toEqual({ ...nothing, read: 0, rows: 0, from: 0, to: 0 });
    expect(
      await database.query('SELECT telemetry_id AS id FROM ride.telemetry ORDER BY "timestamp"'),
    ).toEqual(points.map(({ telemetry_id: id }) => ({ id })));
  });

  it('continues where the previous load ended', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 500, devices: 5 })));
    await loadOnce();
    expect(await loadOnce()).toMatchObject({ rows: 0 });
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 70, devices: 5 })));
    expect((await loadOnce()).topics[telemetryFamily.topic.name]).toMatchObject({
      read: 70,
      rows: 70,
      rejects: 0,
      from: 500,
      to: 570,
    });
    expect(await countTelemetry()).toBe('570');
  });

  it('inserts rows into the partition of their UTC day', async () => {
    const atMidnight = YESTERDAY + DAY_MS;
    const points = [atMidnight - 1, atMidnight].map((timestamp) => makeTelemetry({ timestamp }));
    await append(broker, telemetryFamily.topic.name, toRecords(points));
    await loadOnce();
    const days = [YESTERDAY, atMidnight].map((ms) =>
      new Date(ms).toISOString().slice(0, 10).replaceAll('-', ''),
    );
    expect(
      await database.query('SELECT tableoid::regclass::text AS name FROM ride.telemetry ORDER BY 1'),
    ).toEqual(days.map((day) => ({ name: `ride.telemetry_${day}` })));
  });

  it('stores every field of every event family', async () => {
    const point = makeTelemetry({
      timestamp: YESTERDAY + 123,
      trip_ids: [randomUUID(), randomUUID()],
      journey_id: null,
      location: { lat: -90, lng: 180, altitude: -3.5, heading: 0, speed: 0.1, satellites: 12 },
      battery_percent: 0,
      tipped_over: false,
    });
    const event = makeVehicleEvent({
      vehicle_state: 'on_trip',
      event_types: ['comms_restored', 'trip_start'],
      trip_ids: [randomUUID()],
      associated_ticket: 'Ticket “7”, 東京 🚕',
      publication_time: YESTERDAY + 1,
    });
    const riderEvent = makeRiderEvent({ event_type: 'ride_rating', rating: 5 });
    const trip = makeTrip({
      standard_cost: Number.MAX_SAFE_INTEGER,
      currency: 'EUR',
      accessibility_attributes: [],
      fare_attributes: { payment_type: 'cash', fare_type: 'meter_fare', tip: 250 },
    });
    await append(broker, telemetryFamily.topic.name, toRecords([point]));
    await append(broker, vehicleEventFamily.topic.name, [{ key: event.device_id, value: event }]);
    await append(broker, riderEventFamily.topic.name, [{ key: riderEvent.trip_id, value: riderEvent }]);
    await append(broker, tripFamily.topic.name, [{ key: trip.trip_id, value: trip }]);
    expect(await loadOnce()).toMatchObject({ rows: 4, rejects: 0 });
    expect((await database.query('SELECT *, to_hex(h3_cell) AS cell FROM ride.telemetry'))[0]).toMatchObject({
      telemetry_id: point.telemetry_id,
      device_id: point.device_id,
      timestamp: new Date(YESTERDAY + 123),
      trip_ids: point.trip_ids,
      journey_id: null,
      lat: -90,
      lng: 180,
      altitude: -3.5,
      heading: 0,
      speed: 0.1,
      satellites: 12,
      battery_percent: 0,
      fuel_percent: null,
      tipped_over: false,
      cell: latLngToCell(-90, 180, 9),
    });
    expect((await database.query('SELECT * FROM ride.vehicle_events'))[0]).toMatchObject({
      vehicle_state: 'on_trip',
      event_types: ['comms_restored', 'trip_start'],
      associated_ticket: 'Ticket “7”, 東京 🚕',
      publication_time: new Date(YESTERDAY + 1),
    });
    expect((await database.query('SELECT * FROM ride.rider_events'))[0]).toMatchObject({
      rating: 5,
      destination: riderEvent.destination,
    });
    expect((await database.query('SELECT * FROM ride.trips'))[0]).toMatchObject({
      start_time: new Date(trip.start_time),
      end_time: new Date(trip.end_time),
      start_location: trip.start_location,
      duration: 600,
      standard_cost: String(Number.MAX_SAFE_INTEGER),
      accessibility_attributes: [],
      fare_attributes: trip.fare_attributes,
    });
  });
});

describe('an id that was sent more than once', () => {
  it('is stored once, within a chunk, across chunks and across loads', async () => {
    const points = makeTrack({ points: 400, devices: 3 });
    await append(broker, telemetryFamily.topic.name, toRecords([...points, ...points.slice(100, 300)]));
    expect(await loadOnce({ chunkRecords: 50 })).toMatchObject({ rows: 400, duplicates: 200, rejects: 0 });
    await append(broker, telemetryFamily.topic.name, toRecords([...points.slice(0, 10), makeTelemetry()]));
    expect(await loadOnce()).toMatchObject({ read: 11, rows: 1, duplicates: 10, rejects: 0 });
    expect(await countTelemetry()).toBe('401');
  });

  it('is stored once although it was sent with another time, on another day and by another device', async () => {
    const point = makeTelemetry();
    await append(broker, telemetryFamily.topic.name, toRecords([point]));
    await loadOnce();
    const again = [
      { ...point, timestamp: point.timestamp + 1 },
      { ...point, timestamp: point.timestamp - 3 * DAY_MS },
      { ...point, device_id: randomUUID(), timestamp: point.timestamp + DAY_MS / 2 },
    ];
    await append(broker, telemetryFamily.topic.name, toRecords(again));
    expect(await loadOnce()).toMatchObject({ rows: 0, rejects: 0 });
    expect(await database.query('SELECT "timestamp" FROM ride.telemetry')).toEqual([
      { timestamp: new Date(point.timestamp) },
    ]);
  });

  it('is stored once if many devices send the same ids concurrently', async () => {
    const ids = Array.from({ length: 200 }, () => randomUUID());
    const points = Array.from({ length: 24 }, () => randomUUID()).flatMap((device_id) =>
      ids.map((telemetry_id) => makeTelemetry({ telemetry_id, device_id })),
    );
    await append(broker, telemetryFamily.topic.name, toRecords(points));
    expect(await loadOnce()).toMatchObject({ rows: 200, rejects: 0 });
    expect(await countTelemetry()).toBe('200');
  });
});

describe('a record that cannot be loaded', () => {
  it('is listed in ride.rejects unchanged with the reason, and the others are loaded', async () => {
    const good = makeTrack({ points: 20, devices: 1 });
    const key = good[0]!.device_id;
    const bad: [Buffer, RegExp][] = [
      [Buffer.from('{"device_id":'), /^not JSON: /],
      [Buffer.from([0x7b, 0xff, 0x7d]), /^not UTF-8$/],
      [Buffer.from('[]'), /./],
      [Buffer.from(JSON.stringify({ ...good[0], telemetry_id: 'X' })), /telemetry_id: must be a UUID/],
      [
        Buffer.from(JSON.stringify(makeTelemetry({ timestamp: Date.now() + 30 * DAY_MS }))),
        /^the event's time must not be more than 5 minutes after its receipt$/,
      ],
      [Buffer.from('{"\\u0000\\ud800": 1}'), /./],
    ];
    await append(broker, telemetryFamily.topic.name, [
      ...toRecords(good.slice(0, 10)),
      ...bad.map(([value]) => ({ key, value })),
      ...toRecords(good.slice(10)),
    ]);
    const result = await loadOnce();
    expect(result).toMatchObject({ rows: 20, rejects: bad.length });
    const rejects = await database.query<{ offset: string; reason: string; key: Buffer; value: Buffer }>(
      'SELECT * FROM ride.rejects ORDER BY "offset"',
    );
    expect(rejects.map(({ offset }) => offset)).toEqual(bad.map((_, index) => String(10 + index)));
    for (const [index, [value, reason]] of bad.entries()) {
      expect(rejects[index]!.reason).toMatch(reason);
      expect(rejects[index]!.value.equals(value)).toBe(true);
      expect(rejects[index]!.key.toString()).toBe(key);
    }
  });

  it('contains text that Postgres cannot store', async () => {
    const texts = ['nul \u0000', 'half \ud83d', 'a backslash \\u0000 is fine'];
    await append(
      broker,
      vehicleEventFamily.topic.name,
      texts.map((associated_ticket) => ({ key: 'k', value: makeVehicleEvent({ associated_ticket }) })),
    );
    const trip = makeTrip({
      trip_attributes: {
        hail_type: 'app',
        passenger_count: 1,
        requested_time: YESTERDAY,
        quoted_trip_start_time: YESTERDAY,
        app_name: 'nul \u0000',
      },
    });
    await append(broker, tripFamily.topic.name, [{ key: 'k', value: trip }]);
    expect(await loadOnce()).toMatchObject({ rows: 1, rejects: 3 });
    expect(await database.query('SELECT reason FROM ride.rejects ORDER BY topic, "offset"')).toEqual([
      { reason: 'trip_attributes.app_name: has a NUL character' },
      { reason: 'associated_ticket: has a NUL character' },
      { reason: 'associated_ticket: has half of a surrogate pair' },
    ]);
  });

  it('is rejected by Postgres if only Postgres can detect it, and its id may be sent again', async () => {
    await loadOnce();
    await database.query(
      `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF NEW.speed > 100 THEN RAISE numeric_value_out_of_range USING MESSAGE = 'too fast'; END IF; RETURN NEW; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON ride.telemetry FOR EACH ROW EXECUTE FUNCTION public.refuse()`,
    );
    const points = makeTrack({ points: 100, devices: 1 });
    const fast = { ...points[42]!, location: { ...points[42]!.location, speed: 101 } };
    await append(broker, telemetryFamily.topic.name, toRecords(points.with(42, fast)));
    expect(await loadOnce()).toMatchObject({ rows: 99, rejects: 1 });
    expect(await database.query('SELECT "offset", reason FROM ride.rejects')).toEqual([
      { offset: '42', reason: 'Postgres: too fast' },
    ]);
    await append(broker, telemetryFamily.topic.name, toRecords([points[42]!]));
    expect(await loadOnce()).toMatchObject({ rows: 1, rejects: 0 });
  });
});

describe('concurrent loads', () => {
  it('share the log, and each ends when all of it is loaded', async () => {
    const points = makeTrack({ points: 20_000, devices: 100 });
    await append(broker, telemetryFamily.topic.name, toRecords(points));
    const results = await Promise.all([0, 1, 2].map(() => loadOnce({ chunkRecords: 100 })));
    expect(results.reduce((sum, { rows }) => sum + rows, 0)).toBe(20_000);
    for (const { topics } of results) expect(topics[telemetryFamily.topic.name]!.to).toBe(20_000);
    expect(await countTelemetry()).toBe('20000');
  });

  it('load no record twice if one of them stops early', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 20_000, devices: 100 })));
    const leave = new AbortController();
    await using loads = await createLoadRunner(broker, database, { chunkRecords: 20 });
    const leaving = loads.load(leave.signal).catch((error: unknown) => error);
    await until(async () => {
      const [exists] = await database.query(`SELECT to_regclass('ride.telemetry') IS NOT NULL AS yes`);
      return exists?.['yes'] === true && Number(await countTelemetry()) > 0;
    });
    const staying = loadOnce({ chunkRecords: 20 });
    leave.abort();
    expect(await leaving).toMatchObject({ code: 'STOPPED' });
    await staying;
    expect(await countTelemetry()).toBe('20000');
    expect(await database.one('SELECT sum(next_offset) FROM ride.log_positions')).toBe('20000');
  });
});

describe('a load with failures', () => {
  it('loads every row once although Postgres closes its connections', async () => {
    await using loads = await createLoadRunner(broker, database, { chunkRecords: 100 });
    await loads.load(never);
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 20_000, devices: 100 })));
    const loading = loads.load(never);
    await until(async () => Number(await countTelemetry()) > 0);
    let ended = 0;
    await until(async () => {
      ended += await database.one<number>(
        `SELECT count(pg_terminate_backend(pid))::integer FROM pg_stat_activity
         WHERE application_name = 'hailstream-batch' AND datname = current_database() AND state <> 'idle'`,
      );
      return ended >= 10 || Number(await countTelemetry()) === 20_000;
    });
    expect((await loading).rows).toBe(20_000);
    expect(ended).toBeGreaterThan(0);
    expect(await countTelemetry()).toBe('20000');
  });

  it('requests missing topics once, and loads the existing ones while they cannot be created', async () => {
    await using loads = await createLoadRunner(broker, database);
    await loads.load(never);
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 300, devices: 3 })));
    broker.inject({ api: 'CreateTopics', dropConnection: true, times: 1_000 });
    expect(await loads.load(never)).toMatchObject({ rows: 300 });
  });

  it('requests topics again after the log has lost them', async () => {
    await using loads = await createLoadRunner(broker, database);
    await loads.load(never);
    await broker.kill();
    for (const entry of await readdir(broker.dataDir))
      await rm(join(broker.dataDir, entry), { recursive: true });
    await broker.restart();
    await expect(loads.load(never)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' });
    expect(await loads.load(never)).toMatchObject({ rows: 0 });
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 300, devices: 3 })));
    expect(await loads.load(never)).toMatchObject({ rows: 300 });
  });

  it('reports that it waits for Postgres', async () => {
    await using loads = await createLoadRunner(broker, {
      ...database,
      url: 'postgres://a:b@127.0.0.1:1/none',
    });
    await expect(loads.load(never)).rejects.toThrow(/ECONNREFUSED/);
  });
});
