import { describe, expect, it } from 'vitest';
import { lastFullHour, movedClock, pacedClock } from './trace-clock.js';

const survey = { fixCount: 3, firstMs: 10_000, lastMs: 70_000 };

describe('pacedClock', () => {
  it('starts now and applies the speed', () => {
    const clock = pacedClock(survey, { speed: 10, startMs: 1_000_000 });
    expect([10_000, 40_000, 70_000].map(clock.eventMs)).toEqual([1_000_000, 1_003_000, 1_006_000]);
    expect(clock.dueAfterMs(70_000)).toBe(6_000);
  });
});

describe('movedClock', () => {
  it('ends at the given time with the recorded intervals, and is due immediately', () => {
    const clock = movedClock(survey, { endMs: 5_000_000 });
    expect([10_000, 70_000].map(clock.eventMs)).toEqual([4_940_000, 5_000_000]);
    expect(clock.dueAfterMs(70_000)).toBe(-Infinity);
  });
});

describe('lastFullHour', () => {
  it('returns the start of the current hour', () => {
    expect(lastFullHour(Date.UTC(2026, 0, 1, 12, 59, 59, 999))).toBe(Date.UTC(2026, 0, 1, 12));
    expect(lastFullHour(Date.UTC(2026, 0, 1, 12))).toBe(Date.UTC(2026, 0, 1, 12));
  });
});
