import { describe, expect, it } from 'vitest';
import { currentPeriod, kindOfPeriod, reportTimeZone } from './report-period.js';

describe(kindOfPeriod, () => {
  it.each([
    ['2026-03-01', 'day'],
    ['2026-W09', 'week'],
    ['2026-03', 'month'],
    ['2026-02-30', undefined],
    ['2026-W54', undefined],
    ['', undefined],
  ])('%s: %s', (name, kind) => {
    expect(kindOfPeriod(name)).toBe(kind);
  });
});

describe(currentPeriod, () => {
  it('is that of the time zone', () => {
    const now = Date.UTC(2026, 2, 1, 3);
    expect(currentPeriod('day', 'America/Los_Angeles', now)).toBe('2026-02-28');
    expect(currentPeriod('month', 'America/Los_Angeles', now)).toBe('2026-02');
    expect(currentPeriod('week', 'Asia/Seoul', now)).toBe('2026-W09');
  });
});

describe(reportTimeZone, () => {
  it('is UTC if hours begin at other minutes', () => {
    expect(reportTimeZone('Asia/Seoul')).toBe('Asia/Seoul');
    expect(reportTimeZone('Asia/Kolkata')).toBe('UTC');
    expect(reportTimeZone('UTC')).toBe('UTC');
  });
});
