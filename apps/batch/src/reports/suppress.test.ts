import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { suppressedCounts, suppressRows } from './suppress.js';

describe(suppressedCounts, () => {
  it.each([
    [[10, 20, 30], []],
    [[10, 0, 30], []],
    // 4 alone would be the total minus the others: the smallest other is suppressed with it.
    [
      [10, 4, 30],
      [0, 1],
    ],
    // Together 5: neither can be computed.
    [
      [10, 4, 1, 30],
      [1, 2],
    ],
    // Together 2, so both would be known to be 1.
    [
      [10, 1, 1, 30],
      [0, 1, 2],
    ],
    [[4], [0]],
  ])('of %j are %j', (counts, expected) => {
    expect([...suppressedCounts(counts, 5)].sort()).toEqual(expected);
  });

  it('does not contain any if one is enough', () => {
    expect(suppressedCounts([1, 2, 3], 1).size).toBe(0);
  });

  it('cannot be computed from the total and the other counts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 30 }), { maxLength: 12 }),
        fc.integer({ min: 2, max: 10 }),
        (counts, minCount) => {
          const suppressed = suppressedCounts(counts, minCount);
          const isSmall = (count: number) => count > 0 && count < minCount;
          for (const [index, count] of counts.entries())
            if (isSmall(count)) expect(suppressed.has(index)).toBe(true);
          if (suppressed.size === 0) return;
          const sum = [...suppressed].reduce((total, index) => total + counts[index]!, 0);
          const isAll = counts.every((count, index) => count === 0 || suppressed.has(index));
          expect(isAll || (suppressed.size >= 2 && sum >= minCount)).toBe(true);
        },
      ),
    );
  });
});

describe(suppressRows, () => {
  it('suppresses what is computed from a small count, and names it', () => {
    const rows = [
      { hour: 1, requests: 3, median: 60, trips: 7 },
      { hour: 2, requests: 9, median: 61, trips: 8 },
      { hour: 3, requests: 20, median: null, trips: 9 },
    ];
    expect(suppressRows(rows, { requests: ['median'], trips: [] }, 5)).toEqual([
      { hour: 1, requests: null, median: null, trips: 7, suppressed: ['requests', 'median'] },
      { hour: 2, requests: null, median: null, trips: 8, suppressed: ['requests', 'median'] },
      { hour: 3, requests: 20, median: null, trips: 9, suppressed: [] },
    ]);
  });
});
