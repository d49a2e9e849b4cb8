import { describe, expect, it } from 'vitest';
import { RefusalDelay } from './refusal-delay.js';

describe(RefusalDelay, () => {
  it('delays no refusals of a caller that waits between its requests', () => {
    const delay = new RefusalDelay(0);
    const delays = Array.from({ length: 1_000 }, (_, index) => delay.nextMs(index * 10));
    expect(new Set(delays)).toEqual(new Set([0]));
    expect(delay.isUnused(9_990)).toBe(false);
    expect(delay.isUnused(20_000)).toBe(true);
  });

  it.each([1, 64, 1_000])(
    'bounds the refusals of a caller with %i connections that does not wait',
    (count) => {
      const delay = new RefusalDelay(0);
      const freeAt = Array.from({ length: count }, () => 0);
      let refusals = 0;
      for (let now = 0; now < 10_000; now += 1) {
        for (const [connection, at] of freeAt.entries()) {
          if (at > now) continue;
          refusals += 1;
          freeAt[connection] = now + Math.max(1, delay.nextMs(now));
        }
      }
      expect(refusals).toBeLessThanOrEqual(10 * 100 + 100 + count * 20);
    },
  );
});
