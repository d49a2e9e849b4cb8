import { describe, expect, it } from 'vitest';
import { backoffMs, withJitter } from './backoff.js';

describe('backoffMs', () => {
  it('doubles from the first wait up to the maximum', () => {
    const waits = [0, 1, 2, 3, 4, 5].map((retry) => backoffMs(retry, { firstMs: 100, maxMs: 1_000 }));
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('stays at the maximum for any number of retries', () => {
    expect(backoffMs(1_000_000, { firstMs: 100, maxMs: 30_000 })).toBe(30_000);
  });

  it('treats a negative number of retries as the first', () => {
    expect(backoffMs(-1, { firstMs: 100, maxMs: 30_000 })).toBe(100);
  });
});

describe('withJitter', () => {
  it('spreads a wait over 80 to 120 %', () => {
    const spread = [0, 0.5, 1].map((random) => Math.round(withJitter(100, () => random)));
    expect(spread).toEqual([80, 100, 120]);
  });
});
