import { telemetryFamily, tripFamily, type EventFamily } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { validateItems } from '../events/validate-items.js';
import { AcceptedPlaces } from './accepted-places.js';
import { warningsOf } from './warnings.js';

const NOW = 1_760_000_000_000;
const METERS = 1 / 111_195;

let ids = 0;
function point(change: object = {}, location: object = {}): Record<string, unknown> {
  ids += 1;
  return {
    ...telemetryFamily.example,
    telemetry_id: `0197a1c5-3c4e-7a16-8f72-${String(ids).padStart(12, '0')}`,
    timestamp: NOW - 500,
    ...change,
    location: { ...telemetryFamily.example.location, ...location },
  };
}

const trip = (change: object): object => ({
  ...tripFamily.example,
  end_time: NOW - 500,
  start_time: NOW - 600_000,
  ...change,
});

function warnings(
  items: readonly unknown[],
  family: EventFamily = telemetryFamily as EventFamily,
  places = new AcceptedPlaces(),
) {
  const rules = { receivedAtMs: NOW, maxAgeDays: 1_830, providerId: undefined };
  const found = warningsOf(items, validateItems(items, family, rules), { family, receivedAtMs: NOW, places });
  return found.map(({ warning, indexes }) => [warning, indexes]);
}

/** Five points of a vehicle that moves 100 m in 10 s. */
const moving = (speed: number): unknown[] =>
  Array.from({ length: 5 }, (_, n) =>
    point({ timestamp: NOW - 50_000 + n * 10_000 }, { lat: 43.73 + n * 100 * METERS, lng: 7.42, speed }),
  );

describe(warningsOf, () => {
  it('has none for usual items', () => {
    expect(warnings(moving(10))).toEqual([]);
    expect(warnings([trip({})], tripFamily as EventFamily)).toEqual([]);
  });

  it.each([
    ['the speed in km/h', moving(36), 'speed-in-kmh', [1, 2, 3, 4]],
    ['the speed in mph', moving(22), 'speed-in-mph', [1, 2, 3, 4]],
    ['a speed of no road vehicle', [point({}, { speed: 130 })], 'implausible-speed', [0]],
    ['a clock that is ahead', [point({ timestamp: NOW + 60_000 })], 'clock-ahead', [0]],
    ['local time', [point(), point({ timestamp: NOW - 7_200_900 })], 'local-time', [1]],
    ['an event of the past', [point({ timestamp: NOW - 40 * 86_400_000 })], 'past-events', [0]],
    [
      'a timestamp in seconds, which is a failure',
      [point({ timestamp: NOW / 1_000 })],
      'timestamp-in-seconds',
      [0],
    ],
    ['a position 0, 0', [point({}, { lat: 0, lng: 0 })], 'zero-position', [0]],
    [
      'a swapped position among others',
      [...moving(10), point({}, { lat: 7.42, lng: 43.73 })],
      'swapped-coordinates',
      [5],
    ],
  ])('names %s', (_, items, warning, indexes) => {
    expect(warnings(items)).toEqual([[warning, indexes]]);
  });

  it('names an id that is used for another event, and an event that is sent twice', () => {
    const first = point();
    const reused = point({ telemetry_id: first['telemetry_id'], timestamp: NOW - 3_000 });
    expect(warnings([first, first, reused])).toEqual([
      ['duplicates', [1]],
      ['id-reuse', [2]],
    ]);
  });

  it('names fares in euros', () => {
    expect(warnings([trip({ actual_cost: 14, distance: 5_000 })], tripFamily as EventFamily)).toEqual([
      ['fare-in-units', [0]],
    ]);
  });

  it('compares positions with those that were accepted', () => {
    const places = new AcceptedPlaces();
    const swapped = [point({}, { lat: 7.42, lng: 43.73 })];
    expect(warnings(swapped, undefined, places)).toEqual([]);
    for (let n = 0; n < 30; n += 1) places.note(point());
    expect(warnings(swapped, undefined, places)).toEqual([['swapped-coordinates', [0]]]);
  });

  it('counts all items, and lists the first', () => {
    const items = Array.from({ length: 50 }, () => point({}, { speed: 200 }));
    const rules = { receivedAtMs: NOW, maxAgeDays: 1_830, providerId: undefined };
    const family = telemetryFamily as EventFamily;
    const [warning] = warningsOf(items, validateItems(items, family, rules), {
      family,
      receivedAtMs: NOW,
      places: new AcceptedPlaces(),
    });
    expect(warning).toMatchObject({
      warning: 'implausible-speed',
      count: 50,
      fix: expect.stringContaining('metres per second'),
    });
    expect(warning!.indexes).toHaveLength(20);
  });
});
