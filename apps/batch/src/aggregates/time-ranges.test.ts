import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysOf, isInDays, isInRanges, QUARTER_MS, quarterOf, rangesOf } from './time-ranges.js';

describe(rangesOf, () => {
  it('joins adjacent quarters, whatever their order and number', () => {
    const quarters = [3, 1, 2, 3, 7, 0, 9].map((index) => index * QUARTER_MS);
    expect(rangesOf(quarters)).toEqual([
      { fromMs: 0, toMs: 4 * QUARTER_MS },
      { fromMs: 7 * QUARTER_MS, toMs: 8 * QUARTER_MS },
      { fromMs: 9 * QUARTER_MS, toMs: 10 * QUARTER_MS },
    ]);
  });

  it('contains exactly the times of the quarters', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1 }),
        fc.integer({ min: 0, max: 61 * QUARTER_MS }),
        (indexes, time) => {
          const ranges = rangesOf(indexes.map((index) => index * QUARTER_MS));
          const isContained = ranges.some(({ fromMs, toMs }) => fromMs <= time && time < toMs);
          expect(isContained).toBe(indexes.includes(Math.floor(time / QUARTER_MS)));
        },
      ),
    );
  });
});

describe(quarterOf, () => {
  it('returns the start of the quarter, also before 1970', () => {
    expect(quarterOf(Date.UTC(2026, 10, 22, 10, 29, 59, 999))).toBe(Date.UTC(2026, 10, 22, 10, 15));
    expect(quarterOf(Date.UTC(2026, 10, 22, 10, 30))).toBe(Date.UTC(2026, 10, 22, 10, 30));
    expect(quarterOf(-1)).toBe(-QUARTER_MS);
  });
});

describe(isInRanges, () => {
  it('has constants for the bounds', () => {
    expect(isInRanges('"timestamp"', [{ fromMs: 0, toMs: QUARTER_MS }])).toBe(
      `(("timestamp" >= '1970-01-01T00:00:00.000Z'::timestamptz AND "timestamp" < '1970-01-01T00:15:00.000Z'::timestamptz))`,
    );
  });
});

describe(daysOf, () => {
  it('returns each day once, in ascending order', () => {
    const times = ['2026-11-22T23:59:59.999Z', '2026-11-21T00:00Z', '2026-11-22T00:00Z'].map((time) =>
      Date.parse(time),
    );
    const days = daysOf(times);
    expect(days).toEqual(
      ['2026-11-21', '2026-11-22'].map((day) => ({
        fromMs: Date.parse(day),
        toMs: Date.parse(day) + 86_400_000,
      })),
    );
    expect(isInDays('day', days)).toBe(`day = ANY (ARRAY['2026-11-21', '2026-11-22']::date[])`);
  });
});
