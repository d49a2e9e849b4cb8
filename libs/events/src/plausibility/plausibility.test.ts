import { describe, expect, it } from 'vitest';
import { telemetryFamily } from '../families/telemetry.js';
import { tripFamily } from '../families/trip.js';
import { fareScale } from './fares.js';
import { cellOf, cellsOf, mistakeOfCell } from './places.js';
import { problemOfReason, rejectionReason } from './rejection-reason.js';
import { speedRatio, unitOfRatio } from './speeds.js';
import { localTimeOffset } from './times.js';

const NOW = 1_760_000_000_000;
const HOUR = 3_600_000;
const point = { ...telemetryFamily.example, timestamp: NOW };

const reasonOf = (item: unknown): string =>
  rejectionReason(item, telemetryFamily.validator.issues(item), { receivedAtMs: NOW });

describe(rejectionReason, () => {
  it.each([
    ['timestamp-in-seconds', { ...point, timestamp: NOW / 1_000 }],
    ['timestamp-in-microseconds', { ...point, timestamp: NOW * 1_000 }],
    ['timestamp-as-text', { ...point, timestamp: new Date(NOW).toISOString() }],
    ['swapped-coordinates', { ...point, location: { lat: -122.4, lng: 37.8 } }],
    ['invalid location.lat', { ...point, location: { lat: 91, lng: 137.8 } }],
    ['invalid trip_ids', { ...point, trip_ids: ['1'] }],
    ['missing device_id', { ...point, device_id: undefined, id: 1 }],
    ['unknown-field', { ...point, ['x'.repeat(1_000)]: 1 }],
    ['not-a-list', 'text'],
  ])('is %s', (reason, item) => {
    const cleaned = typeof item === 'string' ? item : (JSON.parse(JSON.stringify(item)) as unknown);
    expect(reasonOf(cleaned)).toBe(reason);
  });

  it.each([
    ['clock-ahead', 6 * 60_000 + 7],
    ['local-time', 2 * HOUR - 800],
  ])('is %s for a time ahead of the receipt', (reason, leadMs) => {
    const issue = {
      kind: 'invalid',
      field: 'timestamp',
      rule: 'must not be more than 5 minutes after its receipt',
    } as const;
    expect(rejectionReason({ timestamp: NOW + leadMs }, [issue], { receivedAtMs: NOW })).toBe(reason);
  });

  it('is decimal-amount for euros instead of cents', () => {
    const trip = { ...tripFamily.example, actual_cost: 14.5 };
    expect(rejectionReason(trip, tripFamily.validator.issues(trip), { receivedAtMs: NOW })).toBe(
      'decimal-amount',
    );
  });

  it('names a problem only if it is one', () => {
    expect(problemOfReason('timestamp-in-seconds')).toBe('timestamp-in-seconds');
    expect(problemOfReason('missing device_id')).toBeNull();
    expect(problemOfReason('toString')).toBeNull();
  });
});

describe(localTimeOffset, () => {
  it.each([
    [HOUR + 900, HOUR],
    [5.5 * HOUR + 45_000, 5.5 * HOUR],
    [-2 * HOUR + 300, -2 * HOUR],
    [HOUR - 5_000, HOUR],
    [900, null],
    [-4_000, null],
    [HOUR + 10 * 60_000, null],
    [20 * HOUR, null],
  ])('of %d ms is %s', (lateness, offset) => {
    expect(localTimeOffset(lateness)).toBe(offset);
  });
});

describe(mistakeOfCell, () => {
  const monaco = new Set(cellsOf({ west: 7.4, south: 43.7, east: 7.45, north: 43.76 }));
  const francisco = new Set(cellsOf({ west: -122.6, south: 37.6, east: -122.3, north: 37.9 }));
  it.each([
    ['in the area', monaco, { lat: 43.73, lng: 7.42 }, null],
    ['next to the area', monaco, { lat: 44.2, lng: 8.2 }, null],
    ['swapped', monaco, { lat: 7.42, lng: 43.73 }, 'swapped-coordinates'],
    ['without its sign', francisco, { lat: 37.7, lng: 122.4 }, 'wrong-sign'],
    ['elsewhere', monaco, { lat: 52.5, lng: 13.4 }, null],
  ] as const)('of a place %s', (_, area, place, mistake) => {
    expect(mistakeOfCell(cellOf(place), (cell) => area.has(cell))).toBe(mistake);
  });

  it('continues across the antimeridian', () => {
    const fiji = new Set(cellsOf({ west: 179.5, south: -18, east: -179.5, north: -17 }));
    expect(mistakeOfCell(cellOf({ lat: -17.5, lng: -179.8 }), (cell) => fiji.has(cell))).toBeNull();
    expect(fiji.size).toBe(4);
  });
});

describe(fareScale, () => {
  it.each([
    [{ actual_cost: 1_450, currency: 'EUR', distance: 4_000 }, 'plausible'],
    [{ actual_cost: 14, currency: 'EUR', distance: 4_000 }, 'fare-in-units'],
    [{ actual_cost: 145_000, currency: 'EUR', distance: 4_000 }, 'fare-too-high'],
    [{ actual_cost: 5_200, currency: 'KRW', distance: 4_000 }, 'plausible'],
    [{ actual_cost: 60, currency: 'JPY', distance: 4_000 }, 'plausible'],
    [{ actual_cost: 0, currency: 'EUR', distance: 4_000 }, null],
    [{ distance: 4_000 }, null],
  ] as const)('of %o is %s', (trip, scale) => {
    expect(fareScale(trip)).toBe(scale);
  });
});

describe(speedRatio, () => {
  const from = { lat: 43.73, lng: 7.42, timestamp: NOW, speed: 10 };
  const to = { ...from, lat: 43.73 + 100 / 111_195, timestamp: NOW + 10_000 };
  it.each([
    ['metres per second', 10, 'metres'],
    ['km/h', 36, 'kilometres'],
    ['mph', 22.4, 'miles'],
  ])('recognizes %s', (_, speed, unit) => {
    expect(unitOfRatio(speedRatio({ ...from, speed }, { ...to, speed })!)).toBe(unit);
  });

  it.each([
    ['without a speed', { ...to, speed: undefined }],
    ['at the same place', { ...from, timestamp: NOW + 10_000 }],
    ['much later', { ...to, timestamp: NOW + 600_000 }],
    ['earlier', { ...to, timestamp: NOW - 10_000 }],
    ['faster than a vehicle', { ...to, lat: 44.73 }],
  ])('is not known for a point %s', (_, next) => {
    expect(speedRatio(from, next)).toBeNull();
  });
});
