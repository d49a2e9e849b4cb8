import { describe, expect, it } from 'vitest';
import { PeriodFinder } from './trace-period.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const start = Date.UTC(2020, 0, 1, 12);

/** Adds fixes at intervals of a minute. */
function fixes(count: number, fromMs: number, everyMs = 60_000): number[] {
  return Array.from({ length: count }, (_none, index) => fromMs + index * everyMs);
}

function find(...timesMs: number[][]) {
  const finder = new PeriodFinder();
  for (const time of timesMs.flat()) finder.add(time);
  const period = finder.find();
  return period && [(period.firstMs - start) / HOUR_MS, (period.lastMs - start) / HOUR_MS, period.count];
}

describe(PeriodFinder, () => {
  it('finds no period without fixes', () => {
    expect(find([])).toBeUndefined();
  });

  it.each([
    ['an hour', [fixes(61, start)], [0, 1, 61]],
    ['one fix', [[start]], [0, 0, 1]],
    ['every month for three years', [fixes(37, start, 30 * DAY_MS)], [0, 36 * 720, 37]],
    [
      'two mornings that are ten days apart',
      [fixes(61, start), fixes(61, start + 10 * DAY_MS)],
      [0, 241, 122],
    ],
    ['one fix and two more a month later', [[start], fixes(2, start + 30 * DAY_MS, HOUR_MS)], [0, 721, 3]],
    [
      'two weeks with a gap of a weekend',
      [fixes(121, start, HOUR_MS), fixes(3, start + 8 * DAY_MS, HOUR_MS)],
      [0, 194, 124],
    ],
  ])('covers all of %s', (_what, times, expected) => {
    expect(find(...times)).toEqual(expected);
  });

  it.each([
    ['one fix years before', [[start - 2_000 * DAY_MS]]],
    ['one fix years after', [[start + 2_000 * DAY_MS]]],
    ['several fixes on both sides', [fixes(3, 0, 700 * DAY_MS), fixes(3, start + 40 * DAY_MS, 500 * DAY_MS)]],
    ['many fixes years before, fewer than the rest', [fixes(60, start - 7_168 * DAY_MS)]],
    ['a few fixes two days after', [fixes(3, start + 2 * DAY_MS)]],
    ['a few fixes two days before', [fixes(3, start - 2 * DAY_MS)]],
  ])('omits %s', (_what, outliers) => {
    expect(find(fixes(61, start), ...outliers)).toEqual([0, 1, 61]);
    expect(find(...outliers, fixes(61, start))).toEqual([0, 1, 61]);
  });

  it('prefers the later of two parts of the same size that are years apart', () => {
    expect(find(fixes(2, start, HOUR_MS), fixes(2, start - 400 * DAY_MS, HOUR_MS))).toEqual([0, 1, 2]);
  });
});
