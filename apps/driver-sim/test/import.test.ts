import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  eventRegistry,
  isValidChange,
  type RiderEvent,
  type Trip,
  type VehicleEvent,
  type VehicleState,
} from '@hailstream/events';
import { UsageError } from '@hailstream/service/command-line';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseImportArgs } from '../src/imports/import-args.js';
import { runImport, type ImportResult } from '../src/imports/run-import.js';
import { TraceError } from '../src/trace/read-lines.js';
import { FakeIngest } from './_fake-ingest.js';

const providerId = '0197a1c0-6d1f-7000-8000-000000000001';
const DAY_MS = 86_400_000;

let ingest: FakeIngest;
let folder: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  ingest = await FakeIngest.start();
  folder = await mkdtemp(join(tmpdir(), 'import-'));
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await ingest[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function importFile(importer: string, content: string | Buffer, ...options: string[]) {
  const path = join(folder, 'trips');
  await writeFile(path, content);
  const exitCode = await runImport({
    args: parseImportArgs([importer, path, '--json', ...options]),
    config: { ingest: { url: ingest.url, token: undefined, tokenFile: undefined, providerId } },
    signal: new AbortController().signal,
  });
  return { exitCode, result: JSON.parse(stdout.trim().split('\n').at(-1)!) as ImportResult };
}

function received<Item>(path: string): Item[] {
  return ingest.log.filter((entry) => entry.path === path).map(({ item }) => item as Item);
}

const text = (timeMs: number, shiftedDays: number): string =>
  new Date(timeMs - shiftedDays * DAY_MS).toISOString().replace('.000Z', 'Z');

/** Every received event matches its schema, and every vehicle goes through valid transitions. */
function expectValidEvents(): void {
  for (const { path, item } of ingest.log) {
    const family = eventRegistry.families.find((each) => each.path === path)!;
    expect(family.validator.issues(item)).toEqual([]);
  }
  const states = new Map<string, { state: VehicleState; timestamp: number }>();
  for (const event of received<VehicleEvent>('/events')) {
    const last = states.get(event.device_id);
    const { state: from } = last ?? { state: 'non_operational' as const };
    const change = { from, to: event.vehicle_state, eventTypes: event.event_types };
    expect(isValidChange(change), JSON.stringify(event)).toBe(true);
    expect(event.timestamp).toBeGreaterThan(last?.timestamp ?? 0);
    states.set(event.device_id, { state: event.vehicle_state, timestamp: event.timestamp });
  }
}

const PLACES = '-73.99,40.75,-73.95,40.78';

describe('ride events of New York', () => {
  const start = `7,START,2013-01-01 00:10:00,1970-01-01 00:00:00,${PLACES},2,100,900`;
  const end = `7,END,2013-01-01 00:25:30,2013-01-01 00:10:00,${PLACES},2,100,900`;

  it('become a request, two vehicle events and a report', async () => {
    const { exitCode, result } = await importFile('nyc-taxi', [start, end].join('\n'));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ sent: 4, accepted: 4, rows: 2, converted: 2, skipped: {}, devices: 1 });
    expectValidEvents();
    const [request] = received<RiderEvent>('/rider-events');
    const [started, ended] = received<VehicleEvent>('/events');
    const [trip] = received<Trip>('/trips');
    expect(request).toMatchObject({
      event_type: 'ride_request',
      location: { lat: 40.75, lng: -73.99 },
      destination: { lat: 40.78, lng: -73.95 },
    });
    // New York is five hours behind UTC in winter.
    expect(text(request!.timestamp, result.shiftedDays)).toBe('2013-01-01T05:10:00Z');
    expect(started).toMatchObject({ vehicle_state: 'on_trip', timestamp: request!.timestamp });
    expect(ended).toMatchObject({ vehicle_state: 'available', location: { lat: 40.78 } });
    expect(text(ended!.timestamp, result.shiftedDays)).toBe('2013-01-01T05:25:30Z');
    expect(trip).toMatchObject({
      duration: 930,
      start_time: request!.timestamp,
      end_time: ended!.timestamp,
      trip_attributes: { passenger_count: 2, hail_type: 'street_hail', driver_id: '900' },
    });
    expect(trip!.distance).toBeGreaterThan(4_700);
    expect(trip!.distance).toBeLessThan(4_800);
    expect(new Set([request!.trip_id, trip!.trip_id, ...started!.trip_ids!, ...ended!.trip_ids!]).size).toBe(
      1,
    );
    expect(result.shiftedDays % 7).toBe(0);
  });

  it('are read with gzip, CRLF, a byte order mark, quotes, in any order, and without a start', async () => {
    const quoted = end.replace('7,END', '"8","END"').replace(',100,', ',"101",');
    const lines = [end, quoted, start];
    const { result } = await importFile('nyc-taxi', gzipSync(`\uFEFF${lines.join('\r\n')}\r\n`));
    expect(result).toMatchObject({ rows: 3, converted: 3, skipped: {}, trips: { accepted: 2 } });
    expectValidEvents();
  });

  it('of a ride without an end have no report', async () => {
    const { result } = await importFile('nyc-taxi', start);
    expect(result).toMatchObject({ vehicleEvents: { accepted: 1 }, riderEvents: { accepted: 1 } });
    expect(result.trips.accepted).toBe(0);
  });

  it('are counted by reason if they cannot be converted', async () => {
    const lines = [
      start,
      end,
      end,
      `7,END,2013-01-01 00:26:00,2013-01-01 00:10:00,${PLACES},2,100,900`,
      '8,START,2013-01-01 00:10:00,1970-01-01 00:00:00,0,0,-73.95,40.78,2,101,901',
      '9,START,2013-01-01 00:10:00,1970-01-01 00:00:00,,,-73.95,40.78,2,101,901',
      `10,START,2013-03-10 02:30:00,1970-01-01 00:00:00,${PLACES},2,101,901`,
      `11,END,2013-01-01 00:09:00,2013-01-01 00:10:00,${PLACES},2,101,901`,
      `12,START,yesterday,1970-01-01 00:00:00,${PLACES},2,101,901`,
      `13,STOP,2013-01-01 00:10:00,1970-01-01 00:00:00,${PLACES},2,101,901`,
      '14,START,2013-01-01 00:10:00',
      `15,"START,2013-01-01 00:10:00,1970-01-01 00:00:00,${PLACES},2,101,901`,
      `16,START,2013-01-01 00:10:00,1970-01-01 00:00:00,2.35,48.85,2.36,48.86,2,101,901`,
      `17,START,2091-01-01 00:10:00,1970-01-01 00:00:00,${PLACES},2,101,901`,
      `18,START,2003-01-01 00:10:00,1970-01-01 00:00:00,${PLACES},2,101,901`,
    ];
    const { exitCode, result } = await importFile('nyc-taxi', lines.join('\n'));
    expect(exitCode).toBe(0);
    expect(result.skipped).toEqual({
      repeated: 1,
      'contradicts another row': 1,
      'no position': 2,
      'no such local time': 1,
      'ends before its start': 1,
      'no valid time': 1,
      'no valid id': 1,
      'wrong number of fields': 1,
      'broken line': 1,
      'position of another place': 1,
      'in the future': 1,
      'outside the period of the file': 1,
    });
    const skipped = Object.values(result.skipped).reduce((sum, count) => sum + count, 0);
    expect(result.converted + skipped).toBe(result.rows);
    expect(result.rows).toBe(lines.length);
    expect(stderr).toContain('line 10 skipped: no valid id (13,STOP)');
  });

  it('of two rides of a taxi at once have a device each', async () => {
    const ride = (id: number, from: string, to: string): string =>
      `${id},END,2013-01-01 ${to},2013-01-01 ${from},${PLACES},1,100,900`;
    const lines = [
      ride(1, '00:00:00', '00:10:00'),
      ride(2, '00:05:00', '00:15:00'),
      // Without duration, at the end of the first one, and at the same time as another.
      ride(3, '00:10:00', '00:10:00'),
      ride(4, '00:10:00', '00:20:00'),
    ];
    const { result } = await importFile('nyc-taxi', lines.join('\n'));
    expect(result).toMatchObject({ devices: 2, overlapping: 1, trips: { accepted: 4 } });
    expectValidEvents();
  });

  it('have the same ids and times in every run', async () => {
    await importFile('nyc-taxi', [start, end].join('\n'));
    const first = ingest.log.splice(0);
    await importFile('nyc-taxi', [end, start].join('\n'));
    expect(ingest.log).toHaveLength(4);
    expect(new Set(ingest.log.map((entry) => JSON.stringify(entry)))).toEqual(
      new Set(first.map((entry) => JSON.stringify(entry))),
    );
  });
});

describe('trip records of New York', () => {
  const header =
    'vendor_id,pickup_datetime,dropoff_datetime,passenger_count,trip_distance,rate_code_id,store_and_fwd_flag,' +
    'pickup_location_id,dropoff_location_id,payment_type,fare_amount,extra,mta_tax,tip_amount,tolls_amount,' +
    'improvement_surcharge,total_amount,congestion_surcharge';
  const row = '1,2019-07-15 03:36:12,2019-07-15 03:42:19,1,1.5,1,N,230,48,1,6.5,0.5,0.5,1.95,0.0,0.3,9.75,';

  it('have miles, dollars, and positions somewhere in the city', async () => {
    const { exitCode, result } = await importFile('nyc-taxi', `${header}\n${row}\n`);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('zones instead of coordinates');
    expectValidEvents();
    const [trip] = received<Trip>('/trips');
    expect(text(trip!.start_time, result.shiftedDays)).toBe('2019-07-15T07:36:12Z');
    expect(trip).toMatchObject({
      duration: 367,
      distance: 2_414,
      actual_cost: 975,
      currency: 'USD',
      start_location: { horizontal_accuracy: 40_000 },
      fare_attributes: {
        payment_type: 'credit_card',
        fare_type: 'meter_fare',
        meter_fare_amount: 650,
        tip: 195,
        surcharge: 30,
      },
    });
    expect(received<VehicleEvent>('/events').at(-1)).toMatchObject({ vehicle_state: 'non_operational' });
  });

  it('have the middles of their zones if a file of zones is given', async () => {
    const square = (LocationID: number, west: number): object => ({
      type: 'Feature',
      properties: { LocationID: String(LocationID) },
      geometry: {
        type: 'MultiPolygon',
        coordinates: [
          [
            [
              [west, 40.7],
              [west + 0.02, 40.7],
              [west + 0.02, 40.72],
              [west, 40.72],
              [west, 40.7],
            ],
          ],
        ],
      },
    });
    const zones = join(folder, 'zones.geojson');
    const features = [square(230, -74), square(48, -73.9)];
    await writeFile(zones, JSON.stringify({ type: 'FeatureCollection', features }));
    const unknown = row.replace(',230,', ',12,');
    const { result } = await importFile('nyc-taxi', `${header}\n${row}\n${unknown}\n`, '--zones', zones);
    expect(result.skipped).toEqual({ 'unknown zone': 1 });
    const [trip] = received<Trip>('/trips');
    expect(trip!.start_location).toMatchObject({ lat: 40.71, lng: -73.99 });
    expect(trip!.end_location).toMatchObject({ lat: 40.71, lng: -73.89 });
    expect(trip!.start_location.horizontal_accuracy).toBeGreaterThan(1_380);
    expect(trip!.start_location.horizontal_accuracy).toBeLessThan(1_420);
  });

  it('are read with other names of columns, in another order and with coordinates', async () => {
    const other =
      'VendorID,Trip_Distance,tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count,pickup_longitude,' +
      'pickup_latitude,dropoff_longitude,dropoff_latitude,payment_type,total_amount';
    const line = `2,0,2019-07-15 03:36:12,2019-07-15 03:36:12,,${PLACES},4,5`;
    const { result } = await importFile('nyc-taxi', `${other}\n${line}\n${other}\n${line}\n`);
    expect(result).toMatchObject({ rows: 2, skipped: { repeated: 1 } });
    const [trip] = received<Trip>('/trips');
    expect(trip).toMatchObject({
      duration: 0,
      distance: 0,
      actual_cost: 500,
      start_location: { lat: 40.75 },
    });
    expect(trip).not.toHaveProperty('fare_attributes');
    expect(trip).not.toHaveProperty('trip_attributes');
    expectValidEvents();
  });

  it('that reverse another row, are void or of an unknown zone are skipped', async () => {
    const lines = [
      row.replace(',6.5,', ',-6.5,').replace(',9.75,', ',-9.75,'),
      row.replace(',48,1,', ',48,6,'),
      row.replace(',48,', ',265,'),
    ];
    const { exitCode, result } = await importFile('nyc-taxi', `${header}\n${lines.join('\n')}`);
    expect(exitCode).toBe(1);
    expect(result.skipped).toEqual({ 'refund or void': 2, 'unknown zone': 1 });
  });
});

describe('trips of Chicago', () => {
  const header =
    'pickup_community_area,fare,trip_start_month,trip_start_hour,trip_start_day,trip_start_timestamp,' +
    'pickup_latitude,pickup_longitude,dropoff_latitude,dropoff_longitude,trip_miles,pickup_census_tract,' +
    'dropoff_census_tract,payment_type,company,trip_seconds,dropoff_community_area,tips';
  // 1400269500 is 19:45:00 of the clocks in Chicago, which are five hours behind UTC in May.
  const row =
    '8,12.45,5,19,6,1400269500,41.899,-87.626,41.885,-87.620,2,,,Credit Card,"Yellow, Inc.",600,32,3.0';

  it('have local times in seconds', async () => {
    const { exitCode, result } = await importFile('chicago-taxi', `${header}\n${row}\n`);
    expect(exitCode).toBe(0);
    expectValidEvents();
    const [trip] = received<Trip>('/trips');
    expect(text(trip!.start_time, result.shiftedDays)).toBe('2014-05-17T00:45:00Z');
    expect(trip).toMatchObject({ duration: 600, distance: 3_219, actual_cost: 1_545 });
    expect(trip).toMatchObject({ fare_attributes: { payment_type: 'credit_card', tip: 300 } });
    expect(result.riderEvents.accepted).toBe(0);
  });

  it('without a position or duration are skipped', async () => {
    const lines = [row.replace('41.899', ''), row.replace(',600,', ',,')];
    const { result } = await importFile('chicago-taxi', `${header}\n${lines.join('\n')}`);
    expect(result.skipped).toEqual({ 'no position': 1, 'no duration': 1 });
  });
});

describe('an import', () => {
  it.each([
    [
      'nyc-taxi',
      'trip_start_timestamp,trip_seconds,pickup_latitude,pickup_longitude,dropoff_latitude,dropoff_longitude',
      /is of the importer chicago-taxi/,
    ],
    ['nyc-taxi', 'a,b,c\n1,2,3', /expected the columns rideId.*found "a,b,c"/],
    ['chicago-taxi', '', /the file is empty/],
  ])('by %s of another file says what it is', async (importer, content, message) => {
    await expect(importFile(importer, content)).rejects.toThrow(TraceError);
    await expect(importFile(importer, content)).rejects.toThrow(message);
    expect(ingest.log).toEqual([]);
  });

  it('requires times that MDS accepts', async () => {
    const line = `7,START,2013-01-01 00:10:00,1970-01-01 00:00:00,${PLACES},2,100,900`;
    await expect(importFile('nyc-taxi', line, '--shift-days', '0')).rejects.toThrow(
      /before 2018.*--shift-days/,
    );
    const { result } = await importFile('nyc-taxi', line, '--shift-days', '3640');
    expect(result.shiftedDays).toBe(3_640);
  });

  it.each([
    [[]],
    [['nyc-taxi']],
    [['taxi', 'f']],
    [['nyc-taxi', 'f', '--speed', '2']],
    [['nyc-taxi', 'f', '--shift-days', '-1']],
  ])('explains how to use it with %j', (args) => {
    expect(() => parseImportArgs(args)).toThrow(UsageError);
  });
});
