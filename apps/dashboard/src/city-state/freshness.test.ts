import { describe, expect, it } from 'vitest';
import { ageOfNewestEvent, freshnessOf } from './freshness.js';

describe('ageOfNewestEvent', () => {
  it('adds what passed at the service and what passed here, whatever the clocks say', () => {
    const frame = { newestEventAt: 999_600, asOf: 1_000_000, receivedAt: 50 };
    expect(ageOfNewestEvent(frame, 150)).toBe(500);
  });

  it('is never below zero for a device whose clock is ahead', () => {
    expect(ageOfNewestEvent({ newestEventAt: 2000, asOf: 1000, receivedAt: 0 }, 0)).toBe(0);
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
