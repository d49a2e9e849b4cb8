import { describe, expect, it } from 'vitest';
import { retryDelayMs } from './retry-delay.js';

describe('retryDelayMs', () => {
  it('doubles up to a maximum, with jitter', () => {
    const longest = [1, 2, 3, 7, 50].map((failures) => Math.round(retryDelayMs(failures, () => 1)));
    const shortest = [1, 2, 3, 7, 50].map((failures) => Math.round(retryDelayMs(failures, () => 0)));
    expect(longest).toEqual([120, 240, 480, 6_000, 6_000]);
    expect(shortest).toEqual([80, 160, 320, 4_000, 4_000]);
  });

  it('waits as long as requested, up to a maximum', () => {
    expect(retryDelayMs(1, () => 0, 2_000)).toBe(2_000);
    expect(retryDelayMs(1, () => 0, 3_600_000)).toBe(30_000);
  });
});
