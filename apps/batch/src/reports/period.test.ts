import { describe, expect, it } from 'vitest';
import { givenPeriod, intervalStarts, parsePeriod, previousPeriod, ReportError } from './period.js';

const LOS_ANGELES = 'America/Los_Angeles';
const HOUR_MS = 3_600_000;

function hoursOf(kind: 'day' | 'week' | 'month', name: string, timeZone = LOS_ANGELES): number {
  const { from, to } = parsePeriod(kind, name, timeZone);
  return (Date.parse(to) - Date.parse(from)) / HOUR_MS;
}

describe(parsePeriod, () => {
  it('begins and ends at midnight of the time zone', () => {
    expect(parsePeriod('day', '2008-05-21', LOS_ANGELES)).toMatchObject({
      from: '2008-05-21T07:00:00.000Z',
      to: '2008-05-22T07:00:00.000Z',
    });
    expect(parsePeriod('month', '2026-02', 'UTC')).toMatchObject({
      from: '2026-02-01T00:00:00.000Z',
      to: '2026-03-01T00:00:00.000Z',
    });
  });

  // 2026-03-08: clocks go forward in Los Angeles; 2026-11-01: back.
  it('has the hours that the day has in the time zone', () => {
    expect(hoursOf('day', '2026-03-07')).toBe(24);
    expect(hoursOf('day', '2026-03-08')).toBe(23);
    expect(hoursOf('day', '2026-11-01')).toBe(25);
    expect(hoursOf('week', '2026-W10')).toBe(7 * 24 - 1);
    expect(intervalStarts(parsePeriod('day', '2026-11-01', LOS_ANGELES))).toHaveLength(25);
  });

  // ISO 8601: 2021-01-03 is a Sunday of 2020-W53, 2024-12-30 is the Monday of 2025-W01.
  it.each([
    ['2020-W53', '2020-12-28'],
    ['2021-W01', '2021-01-04'],
    ['2025-W01', '2024-12-30'],
    ['2026-W09', '2026-02-23'],
  ])('starts the week %s on Monday, %s', (name, monday) => {
    expect(parsePeriod('week', name, 'UTC').from).toBe(`${monday}T00:00:00.000Z`);
  });

  it.each([
    ['day', '2026-02-30', 'expected a day such as 2026-03-01, got "2026-02-30"'],
    ['day', '2026-W09', 'expected a day such as'],
    ['week', '2021-W53', 'expected a week such as 2026-W09, got "2021-W53"'],
    ['week', '2026-W00', 'expected a week such as'],
    ['month', '2026-13', 'expected a month such as 2026-03, got "2026-13"'],
  ] as const)('refuses the %s %s', (kind, name, message) => {
    expect(() => parsePeriod(kind, name, 'UTC')).toThrow(message);
    expect(() => parsePeriod(kind, name, 'UTC')).toThrow(ReportError);
  });

  it('refuses time zones that do not exist or have other minutes', () => {
    expect(() => parsePeriod('day', '2026-03-01', 'Mars/Olympus')).toThrow('expected a time zone such as');
    expect(() => parsePeriod('day', '2026-03-01', 'Asia/Kolkata')).toThrow('differs from UTC by whole hours');
  });
});

describe(previousPeriod, () => {
  it.each([
    ['day', '2026-03-01', '2026-02-28'],
    ['week', '2021-W01', '2020-W53'],
    ['month', '2026-01', '2025-12'],
    ['month', '2026-03', '2026-02'],
  ] as const)('of the %s %s is %s', (kind, name, previous) => {
    const period = parsePeriod(kind, name, LOS_ANGELES);
    const before = previousPeriod(period);
    expect(before.name).toBe(previous);
    expect(before.to).toBe(period.from);
  });
});

describe(intervalStarts, () => {
  it('are the days of a week or month in the time zone', () => {
    const starts = intervalStarts(parsePeriod('week', '2026-W10', LOS_ANGELES)).map((start) =>
      new Date(start).toISOString(),
    );
    expect(starts).toHaveLength(7);
    expect([starts[0], starts.at(-1)]).toEqual(['2026-03-02T08:00:00.000Z', '2026-03-08T08:00:00.000Z']);
    expect(intervalStarts(parsePeriod('month', '2026-02', 'UTC'))).toHaveLength(28);
  });
});

describe(givenPeriod, () => {
  it('requires exactly one', () => {
    expect(givenPeriod({ week: '2026-W09' })).toEqual({ kind: 'week', name: '2026-W09' });
    expect(() => givenPeriod({})).toThrow('expected one of day, week and month, got none');
    expect(() => givenPeriod({ day: 'a', month: 'b' })).toThrow('got day and month');
  });
});
