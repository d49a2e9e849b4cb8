import { describe, expect, it } from 'vitest';
import { backoffMs, pauseFor, withJitter } from './backoff.js';

describe('backoffMs', () => {
  it('doubles from the first wait up to the longest', () => {
    const waits = [0, 1, 2, 3, 4, 5].map((retry) => backoffMs(retry, { firstMs: 100, maxMs: 1_000 }));
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('stays at the longest however often it fails', () => {
    expect(backoffMs(1_000_000, { firstMs: 100, maxMs: 30_000 })).toBe(30_000);
  });
});

describe('withJitter', () => {
  it('spreads a wait over 80 to 120 %', () => {
    const spread = [0, 0.5, 1].map((random) => Math.round(withJitter(100, () => random)));
    expect(spread).toEqual([80, 100, 120]);
  });
});

describe('pauseFor', () => {
  it('ends at once, and without an error, when told to stop', async () => {
    const stop = new AbortController();
    const pause = pauseFor(3_600_000, stop.signal);
    stop.abort();
    await expect(pause).resolves.toBeUndefined();
    await expect(pauseFor(3_600_000, stop.signal)).resolves.toBeUndefined();
  });
});
