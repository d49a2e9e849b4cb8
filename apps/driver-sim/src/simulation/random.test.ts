import { describe, expect, it } from 'vitest';
import { Random } from './random.js';

const DRAWS = 20_000;

function draws(draw: (random: Random) => number): number[] {
  const random = new Random('seed');
  return Array.from({ length: DRAWS }, () => draw(random));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe(Random, () => {
  it('returns the same numbers for the same seed, and other numbers for another seed', () => {
    const [one, same, other] = ['a', 'a', 'b'].map((seed) => {
      const random = new Random(seed);
      return Array.from({ length: 100 }, () => random.uint32());
    });
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
    expect(new Set(one).size).toBe(100);
  });

  it('is uniformly distributed', () => {
    const fractions = draws((random) => random.fraction());
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = fractions.filter((fraction) => Math.floor(fraction * 10) === tenth).length / DRAWS;
      expect(share).toBeCloseTo(0.1, 1.5);
    }
  });

  it('includes both bounds of an integer range', () => {
    expect(new Set(draws((random) => random.integer(1, 3)))).toEqual(new Set([1, 2, 3]));
  });

  it('has the mean and the deviation of its distributions', () => {
    expect(meanOf(draws((random) => random.poisson(0.7)))).toBeCloseTo(0.7, 1);
    const normal = draws((random) => random.normal(2));
    expect(meanOf(normal)).toBeCloseTo(0, 0.8);
    expect(Math.sqrt(meanOf(normal.map((value) => value ** 2)))).toBeCloseTo(2, 1);
  });
});
