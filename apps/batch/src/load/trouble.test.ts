import { describe, expect, it } from 'vitest';
import { Trouble } from './trouble.js';

describe('Trouble', () => {
  it('is told when it begins, and once a minute while it lasts', () => {
    const trouble = new Trouble();
    const told = [0, 1_000, 59_999, 60_000, 61_000, 120_000].filter((nowMs) => trouble.failed(nowMs));
    expect(told).toEqual([0, 60_000, 120_000]);
    expect(trouble.failures).toBe(6);
  });

  it('says how many failures it was, and is new the next time', () => {
    const trouble = new Trouble();
    expect(trouble.ended()).toBe(0);
    trouble.failed(0);
    trouble.failed(1_000);
    expect(trouble.ended()).toBe(2);
    expect(trouble.failures).toBe(0);
    expect(trouble.failed(2_000)).toBe(true);
  });
});
