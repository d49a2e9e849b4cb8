import { describe, expect, it } from 'vitest';
import { shiftDaysOf } from './time-shift.js';

const DAY_MS = 86_400_000;
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);

describe(shiftDaysOf, () => {
  it.each([
    ['2013-01-01', '2013-01-01', '2026-11-29', 4_368],
    ['2013-06-01', '2013-12-31', '2026-11-29', 4_368],
    ['2019-01-01', '2019-02-01', '2026-11-29', 2_184],
    ['2026-01-01', '2026-02-01', '2026-11-29', 0],
    ['2023-01-01', '2023-02-01', '2026-11-29', 0],
  ])('moves %s to %s, imported on %s, by %d days', (first, last, now, days) => {
    expect(shiftDaysOf({ firstMs: day(first), lastMs: day(last) }, day(now))).toBe(days);
  });

  it('is the same for files of a year, never moves into the future, and ends less than three years ago', () => {
    for (let now = day('2020-01-01'); now < day('2032-01-01'); now += 17 * DAY_MS) {
      const [january, december] = ['2013-01-05', '2013-12-25'].map(day);
      const days = shiftDaysOf({ firstMs: january!, lastMs: january! }, now);
      expect(shiftDaysOf({ firstMs: december!, lastMs: december! }, now)).toBe(days);
      expect(december! + days * DAY_MS).toBeLessThan(now);
      expect(january! + days * DAY_MS).toBeGreaterThan(now - 3 * 365 * DAY_MS);
    }
  });
});
