import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.js';

describe(TokenBucket, () => {
  it('allows a burst and then the rate', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 20 }, 0);
    bucket.take(20, 0);
    expect(bucket.remaining(0)).toBe(0);
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.remaining(1_000)).toBe(10);
    expect(bucket.remaining(60_000)).toBe(20);
  });

  it('lets a request that costs more than is left repay its debt', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 20 }, 0);
    bucket.take(1_000, 0);
    expect(bucket.waitMs(0)).toBe(98_100);
    expect(bucket.remaining(98_100)).toBeCloseTo(1);
    expect(bucket.fullInMs(98_100)).toBeCloseTo(1_900);
  });

  it.each([1, 7, 100])('allows its rate whatever the sizes of requests, here %i', (size) => {
    const bucket = new TokenBucket({ perSecond: 1_000, burst: 500 }, 0);
    let taken = 0;
    for (let now = 0; now <= 10_000; now += 1) {
      if (bucket.remaining(now) < 1) continue;
      bucket.take(size, now);
      taken += size;
    }
    expect(taken).toBeGreaterThan(Math.min(10_000, size * 10_000));
    expect(taken).toBeLessThanOrEqual(10_500 + size);
  });
});
