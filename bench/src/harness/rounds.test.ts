import { describe, expect, it } from 'vitest';
import { compare, median, medianInterval, pairedComparison, sideResult } from './rounds.js';

describe('median', () => {
  it('returns the middle number, or the mean of the two middle numbers', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
  });

  it('rejects an empty list', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('medianInterval', () => {
  // Tables of the sign test: the ranks of the interval for 6, 12 and 20 numbers are 1 and 6, 3 and 10, 6 and 15.
  it.each([
    [6, 1, 6],
    [12, 3, 10],
    [20, 6, 15],
  ])('returns the ranks of the sign test for %i numbers', (count, low, high) => {
    const numbers = Array.from({ length: count }, (_, index) => ((index * 7) % count) + 1);
    expect(new Set(numbers).size).toBe(count);
    expect(medianInterval(numbers)).toEqual([low, high]);
  });

  it('returns nothing for fewer than six numbers', () => {
    expect(medianInterval([1, 2, 3, 4, 5])).toBeNull();
  });
});

describe('pairedComparison', () => {
  it('compares rounds with those before them, whatever the speed of the machine', () => {
    const subject = sideResult('subject', [90, 9, 900, 9, 90, 18]);
    const reference = sideResult('reference', [100, 10, 1_000, 10, 100, 10]);
    expect(pairedComparison(subject, reference)).toMatchObject({ ratio: 0.9, interval: [0.9, 1.8] });
  });
});

describe('compare', () => {
  it('alternates the sides and discards the warm-up round', async () => {
    const order: string[] = [];
    const side = (name: string, figures: number[]) => ({
      name,
      measure: () => {
        order.push(name);
        return Promise.resolve(figures.shift() ?? Number.NaN);
      },
    });
    const result = await compare({
      rounds: 3,
      subject: side('subject', [1_000, 30, 10, 20]),
      reference: side('reference', [1_000, 40, 80, 40]),
    });
    expect(order).toEqual(Array.from({ length: 4 }, () => ['reference', 'subject']).flat());
    expect(result).toEqual({
      subject: { name: 'subject', rounds: [30, 10, 20], median: 20 },
      reference: { name: 'reference', rounds: [40, 80, 40], median: 40 },
      ratio: 0.5,
    });
  });
});
