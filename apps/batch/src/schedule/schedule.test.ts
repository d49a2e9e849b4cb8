import { describe, expect, it } from 'vitest';
import { nextStart, parseSchedule } from './schedule.js';

const now = Date.UTC(2026, 10, 22, 12, 0, 30);

describe('parseSchedule', () => {
  it.each([
    ['1s', 1_000],
    ['60s', 60_000],
    ['15m', 900_000],
    ['6h', 21_600_000],
    ['31d', 2_678_400_000],
  ])('reads the span %s', (text, spanMs) => {
    expect(parseSchedule(text)).toEqual({ kind: 'every', spanMs });
  });

  it.each(['*/5 * * * *', '0 3 * * *', '*/10 * * * * *', '0 0 29 2 *'])(
    'reads the cron expression %s',
    (text) => {
      expect(parseSchedule(text)).toMatchObject({ kind: 'cron' });
    },
  );

  it.each([
    '',
    '0s',
    '60',
    '-5m',
    '1.5h',
    '32d',
    'often',
    '61 * * * *',
    '* * * *',
    '2026-11-22T12:00:00',
    '0 0 30 2 *',
  ])('refuses "%s"', (text) => {
    expect(parseSchedule(text)).toBeUndefined();
  });
});

describe('nextStart', () => {
  const every = parseSchedule('60s')!;

  it('begins at once with a span', () => {
    expect(nextStart(every, undefined, now)).toBe(now);
  });

  it('counts a span from start to start', () => {
    expect(nextStart(every, now - 20_000, now)).toBe(now + 40_000);
  });

  it('leaves out what was missed while the last one ran', () => {
    expect(nextStart(every, now - 200_000, now)).toBe(now);
  });

  it('follows a cron expression in UTC', () => {
    const cron = parseSchedule('15 * * * *')!;
    expect(nextStart(cron, undefined, now)).toBe(Date.UTC(2026, 10, 22, 12, 15));
    expect(nextStart(cron, now, Date.UTC(2026, 10, 22, 12, 15))).toBe(Date.UTC(2026, 10, 22, 13, 15));
  });
});
