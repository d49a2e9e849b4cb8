import { describe, expect, it } from 'vitest';
import { Rate } from './rate.js';

describe('Rate', () => {
  it('returns the events of the last whole second, and reading does not change it', () => {
    const rate = new Rate();
    for (const now of [1_000, 1_500, 1_999]) rate.count(now);
    expect(rate.perSecond(1_999)).toBe(0);
    expect(rate.perSecond(2_000)).toBe(3);
    expect(rate.perSecond(3_000)).toBe(0);
    expect(rate.perSecond(2_500)).toBe(3);
    rate.count(2_500);
    expect(rate.perSecond(2_999)).toBe(3);
    expect(rate.perSecond(3_000)).toBe(1);
    rate.count(9_000);
    expect(rate.perSecond(9_999)).toBe(0);
  });
});
