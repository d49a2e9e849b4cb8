import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';

describe('backoffMs', () => {
  it('doubles up to a ceiling, with half of it left to chance', () => {
    const longest = [1, 2, 3, 7, 50].map((failures) => backoffMs(failures, () => 1));
    const shortest = [1, 2, 3, 7, 50].map((failures) => backoffMs(failures, () => 0));
    expect(longest).toEqual([100, 200, 400, 5_000, 5_000]);
    expect(shortest).toEqual([50, 100, 200, 2_500, 2_500]);
  });

  it('waits as long as it is asked to, within bounds', () => {
    expect(backoffMs(1, () => 0, 2_000)).toBe(2_000);
    expect(backoffMs(1, () => 0, 3_600_000)).toBe(30_000);
  });
});
