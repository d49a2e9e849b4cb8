import { describe, expect, it } from 'vitest';
import { parseSchedule } from './schedule.js';

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
