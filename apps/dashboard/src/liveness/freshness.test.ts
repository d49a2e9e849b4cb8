import { describe, expect, it } from 'vitest';
import { ageOfNewestEvent, freshnessOf } from './freshness.js';

describe('ageOfNewestEvent', () => {
  it('adds the time elapsed at the service and in the browser, independent of their clocks', () => {
    const frame = { newestEventAt: 999_600, asOf: 1_000_000, receivedAt: 50, receivedOn: 7_000 };
    expect(ageOfNewestEvent(frame, { monotonic: 150, date: 7_100 })).toBe(500);
  });

  it('is at least zero for a device whose clock is ahead', () => {
    const frame = { newestEventAt: 2000, asOf: 1000, receivedAt: 0, receivedOn: 0 };
    expect(ageOfNewestEvent(frame, { monotonic: 0, date: 0 })).toBe(0);
  });

  it('counts the time that the computer slept, and ignores a time of day that was set back', () => {
    const frame = { newestEventAt: 1_000, asOf: 1_000, receivedAt: 50, receivedOn: 7_000 };
    expect(ageOfNewestEvent(frame, { monotonic: 60, date: 3_607_000 })).toBe(3_600_000);
    expect(ageOfNewestEvent(frame, { monotonic: 9_050, date: -500_000 })).toBe(9_000);
  });
});

describe('freshnessOf', () => {
  it.each([
    [0, 'fresh'],
    [5_000, 'fresh'],
    [5_001, 'late'],
    [30_000, 'late'],
    [30_001, 'old'],
  ])('calls %d ms %s', (ageMs, freshness) => {
    expect(freshnessOf(ageMs)).toBe(freshness);
  });
});
