import { describe, expect, it } from 'vitest';
import { LocalClock, parseWallTime } from './local-time.js';

const wall = (text: string): number => Date.parse(`${text}Z`);
const newYork = new LocalClock('America/New_York');

describe(LocalClock, () => {
  it.each([
    ['2019-01-15T03:36:12', ['2019-01-15T08:36:12.000Z']],
    ['2019-07-15T03:36:12', ['2019-07-15T07:36:12.000Z']],
    // Clocks are set forward from 02:00 to 03:00.
    ['2019-03-10T01:59:59', ['2019-03-10T06:59:59.000Z']],
    ['2019-03-10T02:30:00', []],
    ['2019-03-10T03:00:00', ['2019-03-10T07:00:00.000Z']],
    // Clocks are set back from 02:00 to 01:00.
    ['2019-11-03T00:59:59', ['2019-11-03T04:59:59.000Z']],
    ['2019-11-03T01:30:00', ['2019-11-03T05:30:00.000Z', '2019-11-03T06:30:00.000Z']],
    ['2019-11-03T02:00:00', ['2019-11-03T07:00:00.000Z']],
  ])('finds the instants of %s in New York', (text, instants) => {
    expect(newYork.instantsOf(wall(text)).map((instant) => new Date(instant).toISOString())).toEqual(
      instants,
    );
  });

  it('shows each instant of two years at the time that it returns for it', () => {
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'America/New_York',
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    for (let instant = Date.UTC(2018, 0, 1); instant < Date.UTC(2020, 0, 1); instant += 1_234_567) {
      const second = Math.floor(instant / 1_000) * 1_000;
      const shown = format.format(second).replace(' ', 'T');
      expect(newYork.instantsOf(wall(shown))).toContain(second);
    }
  });

  it.each([
    ['2019-11-03T00:50:00', '2019-11-03T01:10:00', 20],
    ['2019-11-03T01:50:00', '2019-11-03T01:10:00', 20],
    ['2019-11-03T01:50:00', '2019-11-03T02:05:00', 15],
    ['2019-11-03T01:10:00', '2019-11-03T01:50:00', 40],
    ['2019-03-10T01:50:00', '2019-03-10T03:10:00', 20],
    ['2019-03-09T23:00:00', '2019-03-10T04:00:00', 240],
  ])('finds the shortest time from %s to %s', (start, end, minutes) => {
    const period = newYork.periodOf(wall(start), wall(end));
    expect(period).toMatchObject({ startMs: expect.any(Number) as number });
    if (typeof period !== 'string') expect((period.endMs - period.startMs) / 60_000).toBe(minutes);
  });

  it('rejects an end before the start and times that clocks skip', () => {
    expect(newYork.periodOf(wall('2019-01-15T03:36:12'), wall('2019-01-15T03:36:11'))).toBe('backwards');
    expect(newYork.periodOf(wall('2019-03-10T02:30:00'), wall('2019-03-10T04:00:00'))).toBe('nonexistent');
  });
});

describe(parseWallTime, () => {
  it.each([
    ['2019-01-31 23:59:59', '2019-01-31T23:59:59'],
    ['2019-01-31T23:59:59.000', '2019-01-31T23:59:59'],
    ['2019-01-31 23:59', '2019-01-31T23:59:00'],
    ['2019-01-31 23:59:59 UTC', '2019-01-31T23:59:59'],
    ['01/31/2019 11:59:59 PM', '2019-01-31T23:59:59'],
    ['1/2/2019 12:05:00 AM', '2019-01-02T00:05:00'],
  ])('reads %s', (text, expected) => {
    expect(parseWallTime(text)).toBe(wall(expected));
  });

  it.each([
    '',
    '2019-02-29 00:00:00',
    '2019-01-31 24:00:00',
    '2019-01-31 10:60:00',
    '31.01.2019',
    '13/01/2019 01:00:00 AM',
    '01/31/2019 13:00:00 PM',
  ])('rejects %j', (text) => {
    expect(parseWallTime(text)).toBeUndefined();
  });
});
