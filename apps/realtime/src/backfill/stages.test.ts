import { describe, expect, it } from 'vitest';
import { nextStart, overallShare } from './stages.js';

const HOUR_MS = 3_600_000;
const now = 1_000 * HOUR_MS;

describe(nextStart, () => {
  it('doubles the history up to its maximum', () => {
    const hours: number[] = [];
    let known: number | null = now - HOUR_MS;
    while (known !== null) {
      known = nextStart({ knownSince: known, now, readBackMs: 24 * HOUR_MS });
      if (known !== null) hours.push((now - known) / HOUR_MS);
    }
    expect(hours).toEqual([2, 4, 8, 16, 24]);
  });

  it('reads nothing if the history is long enough, or if none is to be read', () => {
    expect(nextStart({ knownSince: now - 30 * HOUR_MS, now, readBackMs: 24 * HOUR_MS })).toBe(null);
    expect(nextStart({ knownSince: now - HOUR_MS, now, readBackMs: 0 })).toBe(null);
  });

  it('makes progress if the known history has just begun', () => {
    const start = nextStart({ knownSince: now, now, readBackMs: 24 * HOUR_MS });
    expect(start).toBeLessThan(now);
  });
});

describe(overallShare, () => {
  it('grows from 0 to 1 over all stages', () => {
    const begunAt = now - HOUR_MS;
    const of = (known: number, since: number, done: number): number =>
      overallShare({
        begunAt,
        stage: { knownSince: now - known * HOUR_MS, since: now - since * HOUR_MS },
        now,
        readBackMs: 24 * HOUR_MS,
        done,
      });
    expect(of(1, 2, 0)).toBe(0);
    expect(of(1, 2, 1)).toBeCloseTo(1 / 23);
    expect(of(16, 24, 0.5)).toBeCloseTo(19 / 23);
    expect(of(16, 24, 1)).toBe(1);
  });
});
