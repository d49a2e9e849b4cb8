import { describe, expect, it } from 'vitest';
import { hasLine, sparklinePaths } from './sparkline-path.js';

describe('sparklinePaths', () => {
  it('draws from the baseline to the highest value, across the whole width', () => {
    expect(sparklinePaths([0, 10])).toEqual({
      line: 'M0 47L300 1',
      area: 'M0 48L0 47L300 1L300 48Z',
      highest: 10,
    });
  });

  it('interrupts the line where there is no value', () => {
    expect(sparklinePaths([1, null, 1, 1]).line).toBe('M0 1M200 1L300 1');
  });

  it('returns an empty path without samples, and a flat line for zeros', () => {
    expect(sparklinePaths([])).toEqual({ line: '', area: '', highest: 0 });
    expect(sparklinePaths([0, 0]).line).toBe('M0 47L300 47');
  });
});

describe('hasLine', () => {
  it.each<[(number | null)[], boolean]>([
    [[], false],
    [[null, 3, null, 4], false],
    [[null, 3, 0], true],
  ])('of %j is %s', (values, expected) => {
    expect(hasLine(values)).toBe(expected);
  });
});
