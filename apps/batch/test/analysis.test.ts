import { randomUUID } from 'node:crypto';
import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type VehicleEvent,
} from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { latLngToCell } from 'h3-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  type TestRecord,
} from './_util.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Two places in different cells. */
const HARBOUR = { lat: 43.735, lng: 7.421 };
const BEACH = { lat: 43.745, lng: 7.433 };

let database: TestDatabase;

async function loadAll(topics: Record<string, object[]>): Promise<void> {
  await using broker = await startTestBroker();
  for (const [topic, events] of Object.entries(topics)) {
    const records = events.map((value): TestRecord => ({ key: Object.values(value)[0] as string, value }));
    await append(broker, topic, records);
  }
  await using loads = await createLoadRunner(broker, database);
  expect(await loads.load(new AbortController().signal)).toMatchObject({ rejects: 0 });
}

/** An event that changes a vehicle's state at a time. */
function toState(
  device_id: string,
  vehicle_state: 'available' | 'non_operational',
  timestamp: number,
): VehicleEvent {
  const by = vehicle_state === 'available' ? 'service_start' : 'service_end';
  return makeVehicleEvent({ device_id, vehicle_state, event_types: [by], timestamp });
}

const [first, second] = [randomUUID(), randomUUID()];
const tripIds = Array.from({ length: 4 }, () => randomUUID());

/** A trip that starts at a minute of yesterday's first hours, with or without a request some seconds before. */
function tripAndRequest(
  index: number,
  startMinute: number,
  waitSeconds: number | undefined,
  duration: number,
) {
  const start_time = YESTERDAY + startMinute * MINUTE_MS;
  const trip_id = tripIds[index]!;
  const trip = makeTrip({ trip_id, start_time, end_time: start_time + duration * 1_000, duration });
  const requests =
    waitSeconds === undefined
      ? []
      : [makeRiderEvent({ trip_id, timestamp: start_time - waitSeconds * 1_000, location: HARBOUR })];
  return { trip, requests };
}

beforeAll(async () => {
  database = await createTestDatabase();
  const trips = [
    tripAndRequest(0, 10, 60, 300),
    tripAndRequest(1, 20, 120, 600),
    tripAndRequest(2, 59, undefined, 1_200),
    tripAndRequest(3, 60, 240, 900),
  ];
  const requests = trips.flatMap((each) => each.requests);
  // A second request after a minute. The wait starts at the first one.
  requests.push(
    makeRiderEvent({ trip_id: tripIds[1]!, timestamp: requests[1]!.timestamp + MINUTE_MS, location: BEACH }),
  );
  await loadAll({
    [tripFamily.topic.name]: trips.map(({ trip }) => trip),
    [riderEventFamily.topic.name]: requests,
    [vehicleEventFamily.topic.name]: [
      toState(first, 'available', YESTERDAY + 20 * HOUR_MS),
      toState(first, 'non_operational', YESTERDAY + 23 * HOUR_MS),
      toState(first, 'available', YESTERDAY + DAY_MS + 2 * HOUR_MS),
      toState(second, 'available', YESTERDAY + 6 * HOUR_MS),
      // The latest event, at which open periods end.
      toState(second, 'non_operational', YESTERDAY + DAY_MS + 4 * HOUR_MS),
    ],
    [telemetryFamily.topic.name]: [
      // Available at the harbour in the quarters from 20:00 and 20:15, and at the beach in the second one.
      makeTelemetry({ device_id: first, timestamp: YESTERDAY + 20 * HOUR_MS + MINUTE_MS, location: HARBOUR }),
      makeTelemetry({
        device_id: first,
        timestamp: YESTERDAY + 20 * HOUR_MS + 2 * MINUTE_MS,
        location: HARBOUR,
      }),
      makeTelemetry({
        device_id: first,
        timestamp: YESTERDAY + 20 * HOUR_MS + 15 * MINUTE_MS,
        location: HARBOUR,
      }),
      makeTelemetry({
        device_id: first,
        timestamp: YESTERDAY + 20 * HOUR_MS + 29 * MINUTE_MS,
        location: BEACH,
      }),
      makeTelemetry({
        device_id: second,
        timestamp: YESTERDAY + 20 * HOUR_MS + 5 * MINUTE_MS,
        location: HARBOUR,
      }),
      // Not available: non-operational, and before its first event.
      makeTelemetry({ device_id: first, timestamp: YESTERDAY + 23.5 * HOUR_MS, location: HARBOUR }),
      makeTelemetry({ device_id: second, timestamp: YESTERDAY + HOUR_MS, location: HARBOUR }),
    ],
  });
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

describe('analysis.trips_per_hour', () => {
  it('counts trips by the hour of their start, with median wait and duration', async () => {
    expect(await database.query('SELECT * FROM analysis.trips_per_hour ORDER BY hour')).toEqual([
      // Waits of 60 and 120 seconds, none for the third trip; durations of 300, 600 and 1200 seconds.
      { hour: new Date(YESTERDAY), trips: '3', median_wait_seconds: 90, median_duration_seconds: 600 },
      {
        hour: new Date(YESTERDAY + HOUR_MS),
        trips: '1',
        median_wait_seconds: 240,
        median_duration_seconds: 900,
      },
    ]);
  });
});

describe('analysis.vehicle_utilisation', () => {
  it('divides each day among states, limited by midnight and the latest event', async () => {
    const rows = await database.query(
      `SELECT device_id, day::text, vehicle_state, seconds / 3600 AS hours, share FROM analysis.vehicle_utilisation
       ORDER BY device_id = $1 DESC, day, vehicle_state`,
      [first],
    );
    const [yesterday, today] = [YESTERDAY, YESTERDAY + DAY_MS].map((ms) =>
      new Date(ms).toISOString().slice(0, 10),
    );
    expect(rows).toEqual([
      { device_id: first, day: yesterday, vehicle_state: 'available', hours: 3, share: 0.75 },
      { device_id: first, day: yesterday, vehicle_state: 'non_operational', hours: 1, share: 0.25 },
      { device_id: first, day: today, vehicle_state: 'available', hours: 2, share: 0.5 },
      { device_id: first, day: today, vehicle_state: 'non_operational', hours: 2, share: 0.5 },
      { device_id: second, day: yesterday, vehicle_state: 'available', hours: 18, share: 1 },
      { device_id: second, day: today, vehicle_state: 'available', hours: 4, share: 1 },
    ]);
  });
});

describe('analysis.supply_demand', () => {
  it('compares available vehicles with requests, by cell and quarter of an hour', async () => {
    const [harbour, beach] = [HARBOUR, BEACH].map(({ lat, lng }) => latLngToCell(lat, lng, 9));
    const at = (minutes: number): Date => new Date(YESTERDAY + minutes * MINUTE_MS);
    expect(
      await database.query('SELECT * FROM analysis.supply_demand ORDER BY quarter, h3_cell = $1 DESC', [
        harbour,
      ]),
    ).toEqual([
      { h3_cell: harbour, quarter: at(0), available_vehicles: '0', requests: '1' },
      { h3_cell: harbour, quarter: at(15), available_vehicles: '0', requests: '1' },
      { h3_cell: beach, quarter: at(15), available_vehicles: '0', requests: '1' },
      { h3_cell: harbour, quarter: at(45), available_vehicles: '0', requests: '1' },
      { h3_cell: harbour, quarter: at(20 * 60), available_vehicles: '2', requests: '0' },
      { h3_cell: harbour, quarter: at(20 * 60 + 15), available_vehicles: '1', requests: '0' },
      { h3_cell: beach, quarter: at(20 * 60 + 15), available_vehicles: '1', requests: '0' },
    ]);
  });
});
