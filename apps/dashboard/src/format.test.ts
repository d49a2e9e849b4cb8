import { afterEach, describe, expect, it } from 'vitest';
import * as format from './format.js';
import { locale, localeOf } from './locale/locale.js';
import { ko } from './messages/ko.js';

const english = locale.get();
afterEach(() => locale.set(english));

describe('formatDuration', () => {
  it.each([
    [400, '0.4 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 min 00 s'],
    [187_000, '3 min 07 s'],
    [3_599_400, '59 min 59 s'],
    [3_599_600, '1 h 00 min'],
    [7_800_000, '2 h 10 min'],
    [-5, '0.0 s'],
  ])('%d ms is %s', (durationMs, text) => {
    expect(format.formatDuration(durationMs)).toBe(text);
  });
});

describe('formatMoment', () => {
  const noon = new Date(2026, 10, 29, 12).getTime();

  it('has the day if it is not today', () => {
    expect(format.formatMoment(noon - 3_590_000, noon)).toBe('11:00:10');
    expect(format.formatMoment(noon - 12 * 3_600_000 - 1_000, noon)).toMatch(/^Sat,? 28 Nov, 23:59:59$/);
  });
});

describe('formatShortCount', () => {
  it.each([
    [7, '7'],
    [999, '999'],
    [1_000, '1k'],
    [9_949, '9.9k'],
    [9_951, '10k'],
    [12_600, '13k'],
  ])('%d is %s', (count, text) => {
    expect(format.formatShortCount(count)).toBe(text);
  });
});

describe('formatShare', () => {
  it.each([
    [0, 10, '0%'],
    [1, 1000, '<1%'],
    [1, 3, '33%'],
    [3, 3, '100%'],
    [0, 0, '–'],
  ])('%d of %d is %s', (part, total, text) => {
    expect(format.formatShare(part, total)).toBe(text);
  });
});

describe('formatHeading', () => {
  it.each([
    [0, '0° N'],
    [44.6, '45° NE'],
    [338, '338° N'],
    [359.7, '0° N'],
    [360, '0° N'],
    [270, '270° W'],
    [null, '–'],
  ])('%s is %s', (degrees, text) => {
    expect(format.formatHeading(degrees)).toBe(text);
  });
});

describe('small formats', () => {
  it('converts metres per second to kilometres per hour', () => {
    expect(format.formatSpeed(10)).toBe('36 km/h');
    expect(format.formatSpeed(null)).toBe('–');
  });

  it('converts a limit of speed to the unit of the page and back', () => {
    expect([format.toShownSpeed(60), format.fromShownSpeed(60)]).toEqual([60, 60]);
    locale.set(localeOf({ ...english, units: 'imperial' }));
    expect([format.toShownSpeed(60), format.fromShownSpeed(37)]).toEqual([37, 60]);
    for (const speed of [1, 38, 75, 621]) {
      expect(format.toShownSpeed(format.fromShownSpeed(speed))).toBe(speed);
    }
  });

  it('groups thousands', () => {
    expect(format.formatCount(12345)).toBe('12,345');
  });

  it('shortens an id to its end, and writes names as words', () => {
    expect(format.shortId('0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b')).toBe('5f6a7b');
    expect(format.inWords('passenger_cancellation')).toBe('passenger cancellation');
  });
});

describe('formatDistance', () => {
  it.each([
    [12.4, '12 m', '41 ft'],
    [320, '320 m', '1050 ft'],
    [999, '999 m', '0.6 mi'],
    [1_000, '1.0 km', '0.6 mi'],
    [25_300, '25.3 km', '15.7 mi'],
    [null, '–', '–'],
  ])('%s m is %s or %s', (meters, metric, imperial) => {
    expect(format.formatDistance(meters)).toBe(metric);
    locale.set(localeOf({ ...english, units: 'imperial' }));
    expect(format.formatDistance(meters)).toBe(imperial);
  });
});

describe('the locale', () => {
  const at = Date.UTC(2026, 10, 29, 23, 42, 10);

  it('converts to miles per hour', () => {
    locale.set(localeOf({ ...english, units: 'imperial' }));
    expect(format.formatSpeed(10)).toBe('22 mph');
  });

  it('writes times in the chosen time zone, with its name', () => {
    locale.set(localeOf({ ...english, timeZone: 'UTC' }));
    expect(format.formatClock(at)).toBe('23:42:10 UTC');
    expect(format.formatDateTime(new Date(at).toISOString())).toBe('29 Nov 2026, 23:42:10 UTC');
    locale.set(localeOf({ ...english, timeZone: 'Asia/Seoul' }));
    expect(format.formatClock(at)).toBe('08:42:10 GMT+9');
    expect(format.formatMoment(at, at - 9 * 3_600_000)).toMatch(/^Mon,? 30 Nov, 08:42:10 GMT\+9$/);
    expect(format.formatMoment(at, at - 8 * 3_600_000)).toBe('08:42:10 GMT+9');
  });

  it('writes Korean', () => {
    locale.set(localeOf({ ...english, language: 'ko', messages: ko, timeZone: 'Asia/Seoul' }));
    expect(format.formatDuration(187_000)).toBe('3분 07초');
    expect(format.formatAge(125_000)).toBe('2분');
    expect(format.formatHeading(44.6)).toBe('45° 북동');
    expect(format.formatShortCount(12_600)).toBe('1.3만');
    expect(format.formatClock(at)).toBe('08:42:10 GMT+9');
  });
});

describe('formatAge', () => {
  it.each([
    [6_400, '6 s'],
    [47_000, '40 s'],
    [125_000, '2 min'],
    [7_300_000, '2 h'],
    [200_000_000, '2 d'],
  ])('%d ms is %s', (durationMs, text) => {
    expect(format.formatAge(durationMs)).toBe(text);
  });
});
