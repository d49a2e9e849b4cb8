import { describe, expect, it } from 'vitest';
import { NextStart, type Clocks } from './next-start.js';
import { parseSchedule } from './schedule.js';

const HOUR_MS = 3_600_000;
const noon = Date.UTC(2026, 10, 22, 12);
const at = (wallMs: number, monotonicMs = wallMs - noon): Clocks => ({ wallMs, monotonicMs });

describe('NextStart of a span', () => {
  const every = parseSchedule('60s')!;

  it('begins at once', () => {
    expect(new NextStart(every, undefined, at(noon)).remainingMs(at(noon))).toBe(0);
  });

  it('counts from start to start', () => {
    expect(new NextStart(every, at(noon - 20_000), at(noon)).remainingMs(at(noon))).toBe(40_000);
  });

  it('skips starts that were missed while the last load ran', () => {
    expect(new NextStart(every, at(noon - 200_000), at(noon)).remainingMs(at(noon))).toBe(0);
  });

  it.each([-24 * HOUR_MS, -HOUR_MS, -1, 1, HOUR_MS, 24 * HOUR_MS])(
    'is independent of the wall clock, which was set by %d ms',
    (stepMs) => {
      const next = new NextStart(every, at(noon), at(noon + 1_000));
      expect(next.remainingMs(at(noon + stepMs + 10_000, 10_000))).toBe(50_000);
      expect(next.remainingMs(at(noon + stepMs + 60_000, 60_000))).toBe(0);
    },
  );
});

describe('NextStart of a cron expression', () => {
  const cron = parseSchedule('15 * * * *')!;
  const quarterPast = noon + HOUR_MS / 4;

  it('follows UTC', () => {
    expect(new NextStart(cron, undefined, at(noon)).remainingMs(at(noon))).toBe(HOUR_MS / 4);
    const next = new NextStart(cron, at(quarterPast), at(quarterPast + 1));
    expect(next.remainingMs(at(quarterPast + 1))).toBe(HOUR_MS - 1);
  });

  it('follows a clock that was set back', () => {
    const next = new NextStart(cron, at(quarterPast), at(quarterPast + 1_000));
    // From 12:15:01 to 10:10.
    expect(next.remainingMs(at(noon - 2 * HOUR_MS + 600_000, 1_000))).toBe(300_000);
    expect(next.remainingMs(at(noon - 2 * HOUR_MS + 900_000, 301_000))).toBe(0);
  });

  it('starts once if the clock was set forward over several starts', () => {
    const next = new NextStart(cron, at(quarterPast), at(quarterPast + 1_000));
    const later = at(noon + 5 * HOUR_MS, 2_000);
    expect(next.remainingMs(later)).toBe(0);
    expect(new NextStart(cron, later, later).remainingMs(later)).toBe(HOUR_MS / 4);
  });

  it('does not start again for a clock that was adjusted by seconds', () => {
    const next = new NextStart(cron, at(quarterPast), at(quarterPast + 10));
    expect(next.remainingMs(at(quarterPast - 2_000, 20))).toBe(HOUR_MS + 2_000);
  });
});
