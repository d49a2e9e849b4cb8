import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent } from '../fold/city-state.js';
import { id, NOW, OTHER_PROVIDER, PROVIDER, telemetry, vehicleEvent } from '../fold/events.fixture.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseSpeedingQuery, speedingList } from './speeding.js';
import { parseStillnessQuery, stillnessList } from './stillness.js';

const MINUTE_MS = 60_000;
const METER = 1 / 111_195;

function cityOf(events: readonly CityEvent[]): CityState {
  const city = new CityState();
  for (const input of events) city.fold(input, { receivedAt: NOW, now: NOW });
  city.advance(NOW);
  return city;
}

const at = (n: number, minutes: number, { north = 0, speed = 0, provider = PROVIDER } = {}) =>
  telemetry({
    device_id: id(n),
    provider_id: provider,
    timestamp: NOW - minutes * MINUTE_MS,
    location: { lat: 43.7 + north * METER, lng: 7.4, speed },
  });

describe('speedingList', () => {
  const city = cityOf([
    at(1, 40, { speed: 25 }),
    at(1, 30, { speed: 22, north: 100 }),
    at(1, 0, { speed: 5 }),
    at(2, 0, { speed: 20 }),
    at(3, 2, { speed: 30 }),
    at(4, 90, { speed: 40 }),
    at(4, 0, { speed: 0 }),
    at(5, 0, { speed: 20, provider: OTHER_PROVIDER }),
  ]);
  const list = (query: Record<string, unknown>, allowed: string | null = null) =>
    speedingList(city, parseSpeedingQuery(new QueryParameters(query), allowed), NOW);
  const ids = (query: Record<string, unknown>, allowed?: string) =>
    list(query, allowed).vehicles.map(({ device_id: device }) => device);

  it('has the vehicles that are faster than the limit now, without those that are stale', () => {
    expect(ids({ over_kmh: '60' })).toEqual([id(2), id(5)]);
    expect(ids({ over_kmh: '72' })).toEqual([]);
    expect(ids({ over_kmh: '60' }, PROVIDER)).toEqual([id(2)]);
  });

  it('has the highest speed of each within the last hour, with its place and time', () => {
    const { vehicles, total } = list({ over_kmh: '60', window: 'hour' });
    expect(vehicles.map(({ device_id: device, speed }) => [device, speed])).toEqual([
      [id(3), 30],
      [id(1), 25],
      [id(2), 20],
      [id(5), 20],
    ]);
    expect(total).toBe(4);
    expect(vehicles[1]).toMatchObject({ at: NOW - 40 * MINUTE_MS, lat: 43.7, lng: 7.4 });
  });

  it('is paged', () => {
    expect(ids({ over_kmh: '60', window: 'hour', offset: '1', limit: '2' })).toEqual([id(1), id(2)]);
    expect(() => list({ over_kmh: '0' })).toThrow(/from 1 to 1000/);
    expect(() => list({ window: 'day' })).toThrow(/now, hour/);
    expect(() => list({ limit: '5000' })).toThrow(/from 1 to 1000/);
  });
});

describe('stillnessList', () => {
  const state = (n: number, vehicle_state: 'available' | 'on_trip', minutes: number) =>
    vehicleEvent({
      device_id: id(n),
      timestamp: NOW - minutes * MINUTE_MS,
      location: { lat: 43.7, lng: 7.4 },
      vehicle_state,
      event_types: [vehicle_state === 'available' ? 'service_start' : 'trip_start'],
    });
  const everyMinute = (n: number, minutes: number, given: Parameters<typeof at>[2] = {}) =>
    Array.from({ length: minutes + 1 }, (_, minute) => at(n, minute, given));
  const city = cityOf([
    // Still for 30 minutes, within 40 m, after it had been away.
    at(1, 31, { north: 500 }),
    ...everyMinute(1, 30).map((event, minute) => (minute % 2 === 0 ? event : at(1, minute, { north: 40 }))),
    state(1, 'on_trip', 29),
    // Still for 7 minutes: known from the trail.
    ...[8, 9, 10, 11].map((minutes) => at(2, minutes, { north: 300 })),
    ...everyMinute(2, 7),
    state(2, 'available', 6),
    // It moves.
    ...Array.from({ length: 20 }, (_, minute) => at(3, minute, { north: minute * 30 })),
    // It was still for an hour, and has been silent since.
    ...Array.from({ length: 40 }, (_, minute) => at(4, minute + 12)),
    // It passes the same place again after four minutes.
    ...everyMinute(5, 3),
    at(5, 4, { north: 800 }),
    ...[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((minutes) => at(5, minutes)),
    ...everyMinute(6, 50, { provider: OTHER_PROVIDER }),
  ]);
  const list = (query: Record<string, unknown>, allowed: string | null = null) =>
    stillnessList(city, parseStillnessQuery(new QueryParameters(query), allowed), NOW);
  const ids = (query: Record<string, unknown>, allowed?: string) =>
    list(query, allowed).vehicles.map(({ device_id: device }) => device);

  it('has the vehicles that stand still for some minutes, the longest first', () => {
    expect(ids({ minutes: '20' })).toEqual([id(6), id(1)]);
    expect(ids({ minutes: '5' })).toEqual([id(6), id(1), id(2)]);
    expect(ids({ minutes: '8' })).toEqual([id(6), id(1)]);
    expect(ids({ minutes: '3' })).toEqual([id(6), id(1), id(2), id(5)]);
  });

  it('has since when, at most one interval of five minutes too late', () => {
    const [, first] = list({ minutes: '20' }).vehicles;
    const minutes = (NOW - first!.still_since) / MINUTE_MS;
    expect(minutes).toBeLessThanOrEqual(30);
    expect(minutes).toBeGreaterThan(25);
    const [, , second] = list({ minutes: '5' }).vehicles;
    expect((NOW - second!.still_since) / MINUTE_MS).toBe(7);
  });

  it('selects states, and counts all', () => {
    expect(ids({ minutes: '5', state: 'on_trip' })).toEqual([id(1)]);
    expect(list({ minutes: '5', state: 'on_trip' })).toMatchObject({
      total: 1,
      byState: { on_trip: 1, available: 1, unknown: 1 },
    });
    expect(ids({ minutes: '5' }, OTHER_PROVIDER)).toEqual([id(6)]);
    expect(() => list({ minutes: '1' })).toThrow(/from 2 to 60/);
    expect(() => list({ state: 'parked' })).toThrow(/one or more of/);
  });
});
