import type { Report } from '@hailstream/events/reports';
import { describe, expect, it } from 'vitest';
import { busiestMoment, extentOf } from './busiest-moment.js';

const reportOf = (requests: readonly (number | null)[], positions: readonly number[]) =>
  ({
    period: { to: '2026-03-01T03:00:00.000Z' },
    intervals: requests.map((each, hour) => ({
      start: `2026-03-01T0${hour}:00:00.000Z`,
      requests: each,
      positions: positions[hour],
    })),
  }) as unknown as Report;

describe(busiestMoment, () => {
  it.each([
    [[1, 5, 2], [9, 0, 0], '01:30'],
    [[0, 0, 7], [9, 0, 0], '02:30'],
    [[0, null, 0], [3, 9, 4], '01:30'],
    [[0, 0, 0], [0, 0, 0], '00:30'],
  ])('of %j requests and %j positions is at %s', (requests, positions, time) => {
    const atMs = busiestMoment(reportOf(requests, positions));
    expect(new Date(atMs).toISOString()).toBe(`2026-03-01T${time}:00.000Z`);
  });
});

describe(extentOf, () => {
  it('contains all rings', () => {
    const rings = [
      [7.4, 43.7, 7.5, 43.7, 7.45, 43.8],
      [7.3, 43.75, 7.31, 43.75, 7.3, 43.76],
    ];
    const { west, south, east, north } = extentOf(rings);
    for (const [value, expected] of [
      [west, 7.3],
      [south, 43.7],
      [east, 7.5],
      [north, 43.8],
    ] as const)
      expect(value).toBeCloseTo(expected, 9);
  });

  it('crosses the antimeridian', () => {
    const { west, east } = extentOf([[179.9, -17, -179.9, -17, -179.9, -16]]);
    expect(west).toBeCloseTo(179.9, 9);
    expect(east).toBeCloseTo(-179.9, 9);
  });
});
