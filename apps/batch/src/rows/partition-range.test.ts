import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayOf, type Day } from './day.js';
import {
  DAY_PARTITIONS_BACK,
  includes,
  MONTH_PARTITIONS_BACK,
  tablePartitionName,
  rangeFor,
  type PartitionRange,
} from './partition-range.js';

const on = (date: string): Day => dayOf(Date.parse(date));
const today = on('2026-11-28');

function nameFor(date: string, existing: readonly PartitionRange[] = []): string {
  return tablePartitionName('t', rangeFor(on(date), existing, today));
}

/** Creates the partitions of days in sequence, as loads do. */
function createFor(days: readonly Day[], existing: readonly PartitionRange[] = []): PartitionRange[] {
  const ranges = [...existing];
  for (const day of days) {
    if (!ranges.some((range) => includes(range, day))) ranges.push(rangeFor(day, ranges, today));
  }
  return ranges;
}

describe(rangeFor, () => {
  it('is a day, a month, or all of the time before, depending on the age', () => {
    expect(['2026-11-29', '2026-11-28', '2026-10-28'].map((date) => nameFor(date))).toEqual([
      't_20261129',
      't_20261128',
      't_20261028',
    ]);
    // The recent days of October have separate partitions.
    expect(nameFor('2026-10-27')).toBe('t_20261001_20261028');
    expect(['2026-09-30', '2026-09-01', '2024-10-01'].map((date) => nameFor(date))).toEqual([
      't_202609',
      't_202609',
      't_202410',
    ]);
    expect(['2024-09-30', '2018-01-01'].map((date) => nameFor(date))).toEqual([
      't_before_20241001',
      't_before_20241001',
    ]);
  });

  it('is limited by existing partitions of the month', () => {
    const days = ['2026-08-03', '2026-08-10'].map((date) => ({ from: on(date), to: on(date) + 1 }));
    expect(nameFor('2026-08-05', days)).toBe('t_20260804_20260810');
    expect(nameFor('2026-08-31', days)).toBe('t_20260811_20260901');
    expect(nameFor('2023-05-05', [{ from: on('2023-05-01'), to: on('2023-05-02') }])).toBe(
      't_20230502_20241001',
    );
  });

  it('never overlaps an existing partition, for any order of days', () => {
    const day = fc.integer({ min: on('2018-01-01'), max: today + 2 });
    fc.assert(
      fc.property(fc.uniqueArray(day, { maxLength: 60 }), fc.array(day, { maxLength: 200 }), (made, days) => {
        const released = made.map((from) => ({ from, to: from + 1 }));
        const ranges = createFor(days, released).toSorted((a, b) => a.from - b.from);
        for (const each of days) expect(ranges.filter((range) => includes(range, each))).toHaveLength(1);
        for (const [index, range] of ranges.entries()) {
          expect(range.from).toBeLessThan(range.to);
          if (index > 0) expect(ranges[index - 1]!.to).toBeLessThanOrEqual(range.from);
        }
        expect(new Set(ranges.map((range) => tablePartitionName('t', range))).size).toBe(ranges.length);
      }),
    );
  });

  it('is one of few, even if one load contains every day since 2018', () => {
    const days = Array.from({ length: today + 2 - on('2018-01-01') }, (_, index) => on('2018-01-01') + index);
    const most = DAY_PARTITIONS_BACK + 2 + MONTH_PARTITIONS_BACK + 2;
    expect(createFor(days).length).toBeLessThanOrEqual(most);
    expect(createFor(days.toReversed()).length).toBeLessThanOrEqual(most);
  });
});
