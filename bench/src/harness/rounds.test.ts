import { describe, expect, it } from 'vitest';
import { compare, median } from './rounds.js';

describe('median', () => {
  it('returns the middle number, or the mean of the two middle numbers', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
  });

  it('rejects an empty list', () => {
    expect(() => median([])).toThrow(RangeError);
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
