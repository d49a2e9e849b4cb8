import { randomUUID } from 'node:crypto';
import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type VehicleEvent,
} from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadResult } from '../src/load/load-result.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const OTHER = 'f7b2c3d4-0000-4000-8000-000000000002';
const HOUR_MS = 3_600_000;

let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function loadOnce(): Promise<LoadResult> {
  await using loads = await createLoadRunner(broker, database);
  return await loads.load(new AbortController().signal);
}

async function appendEvents(topic: string, events: readonly object[]): Promise<void> {
  await append(
    broker,
    topic,
    events.map((value) => ({ key: 'one partition', value })),
  );
}

describe('an id that two providers use', () => {
  const id = randomUUID();
  const families = [
    [telemetryFamily.topic.name, 'telemetry', makeTelemetry({ telemetry_id: id })],
    [vehicleEventFamily.topic.name, 'vehicle_events', makeVehicleEvent({ event_id: id })],
    [riderEventFamily.topic.name, 'rider_events', makeRiderEvent({ event_id: id })],
    [tripFamily.topic.name, 'trips', makeTrip({ trip_id: id })],
  ] as const;

  it.each(families)(
    'has a row of each in %s, within one load and across two',
    async (topic, table, event) => {
      const others = { ...event, provider_id: OTHER };
      const third = { ...event, provider_id: randomUUID() };
      await appendEvents(topic, [event, others, event]);
      expect(await loadOnce()).toMatchObject({ rows: 2, rejects: 0 });
      await appendEvents(topic, [others, third, event]);
      expect(await loadOnce()).toMatchObject({ rows: 1, rejects: 0 });
      expect(await database.query(`SELECT provider_id FROM ride.${table} ORDER BY 1`)).toEqual(
        [event, others, third].map(({ provider_id }) => ({ provider_id })).toSorted(byProvider),
      );
    },
  );
});

describe('a device and a trip with ids that two providers use', () => {
  it('are separate in the views', async () => {
    const device_id = randomUUID();
    const trip_id = randomUUID();
    const event = (
      provider_id: string,
      vehicle_state: 'available' | 'non_operational',
      hour: number,
    ): VehicleEvent =>
      makeVehicleEvent({
        device_id,
        provider_id,
        vehicle_state,
        event_types: [vehicle_state === 'available' ? 'service_start' : 'service_end'],
        timestamp: YESTERDAY + hour * HOUR_MS,
      });
    await appendEvents(vehicleEventFamily.topic.name, [
      event(PROVIDER, 'available', 1),
      event(PROVIDER, 'non_operational', 3),
      event(OTHER, 'non_operational', 2),
      event(OTHER, 'available', 4),
      event(PROVIDER, 'available', 5),
    ]);
    const start_time = YESTERDAY + 2 * HOUR_MS;
    const requested = (provider_id: string, seconds: number) =>
      makeRiderEvent({ provider_id, trip_id, timestamp: start_time - seconds * 1_000 });
    await appendEvents(riderEventFamily.topic.name, [requested(PROVIDER, 60), requested(OTHER, 600)]);
    await appendEvents(tripFamily.topic.name, [makeTrip({ trip_id, start_time, end_time: start_time + 1 })]);
    await appendEvents(
      telemetryFamily.topic.name,
      [PROVIDER, OTHER].map((provider_id) =>
        makeTelemetry({ device_id, provider_id, timestamp: YESTERDAY + 4.5 * HOUR_MS }),
      ),
    );
    expect(await loadOnce()).toMatchObject({ rejects: 0 });
    expect(
      await database.query(
        `SELECT provider_id, vehicle_state, seconds / 3600 AS hours, share FROM analysis.vehicle_utilisation
         ORDER BY provider_id, vehicle_state`,
      ),
    ).toEqual([
      { provider_id: PROVIDER, vehicle_state: 'available', hours: 2, share: 0.5 },
      { provider_id: PROVIDER, vehicle_state: 'non_operational', hours: 2, share: 0.5 },
      { provider_id: OTHER, vehicle_state: 'available', hours: 1, share: 1 / 3 },
      { provider_id: OTHER, vehicle_state: 'non_operational', hours: 2, share: 2 / 3 },
    ]);
    expect(await database.query('SELECT trips, median_wait_seconds FROM analysis.trips_per_hour')).toEqual([
      { trips: '1', median_wait_seconds: 60 },
    ]);
    // At 04:30 only one provider's vehicle is available.
    expect(
      await database.query(
        'SELECT available_vehicles FROM analysis.supply_demand WHERE available_vehicles > 0',
      ),
    ).toEqual([{ available_vehicles: '1' }]);
  });

  it('are counted twice if both are available', async () => {
    const device_id = randomUUID();
    const providers = [PROVIDER, OTHER];
    const since = { device_id, timestamp: YESTERDAY };
    await appendEvents(
      vehicleEventFamily.topic.name,
      providers.map((provider_id) => makeVehicleEvent({ ...since, provider_id })),
    );
    await appendEvents(vehicleEventFamily.topic.name, [makeVehicleEvent({ timestamp: YESTERDAY + HOUR_MS })]);
    await appendEvents(
      telemetryFamily.topic.name,
      providers.map((provider_id) => makeTelemetry({ ...since, provider_id })),
    );
    await loadOnce();
    expect(await database.query('SELECT available_vehicles FROM analysis.supply_demand')).toEqual([
      { available_vehicles: '2' },
    ]);
  });
});

function byProvider(a: { provider_id: string }, b: { provider_id: string }): number {
  return a.provider_id < b.provider_id ? -1 : 1;
}
