import { describe, expect, it } from 'vitest';
import { changeInWords, describeSeries, kpiFigures, meanOf } from './kpi-figures.js';

describe('changeInWords', () => {
  it('compares the intervals that both series have', () => {
    expect(changeInWords([null, 6, 6, 100], [3, 4, 8, null])).toBe('±0 %');
    expect(changeInWords([3, 3], [2, 2])).toBe('+50 %');
    expect(changeInWords([1, 2], [4, 2])).toBe('−50 %');
    expect(changeInWords([1], [null])).toBeNull();
    expect(changeInWords([1], [0])).toBeNull();
  });
});

describe('describeSeries', () => {
  it('has the lowest, the highest and the last value', () => {
    const { format } = kpiFigures[0]!;
    expect(describeSeries([null, 4, 9, 2.5], format)).toBe('from 2.5 to 9, last 2.5');
    expect(describeSeries([null], format)).toBe('no values');
  });
});

describe('meanOf', () => {
  it('leaves out unknown values', () => {
    expect(meanOf([1, null, 3])).toBe(2);
    expect(meanOf([null])).toBeNull();
  });
});
