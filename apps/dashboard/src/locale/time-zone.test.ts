import { afterEach, describe, expect, it } from 'vitest';
import { locale, localeOf } from './locale.js';
import { isTimeZone, zoneName, zoneOffsetMs } from './time-zone.js';

const english = locale.get();
afterEach(() => locale.set(english));

const HOUR_MS = 3_600_000;
const winter = Date.UTC(2026, 0, 15, 12) + 123;
const summer = Date.UTC(2026, 6, 15, 12);

describe('zoneOffsetMs', () => {
  it.each([
    ['UTC', 0, 0],
    ['Asia/Seoul', 9 * HOUR_MS, 9 * HOUR_MS],
    ['America/Los_Angeles', -8 * HOUR_MS, -7 * HOUR_MS],
    ['Asia/Kathmandu', 5.75 * HOUR_MS, 5.75 * HOUR_MS],
  ])('of %s is %d in winter and %d in summer', (timeZone, inWinter, inSummer) => {
    locale.set(localeOf({ ...english, timeZone }));
    expect([zoneOffsetMs(winter), zoneOffsetMs(summer)]).toEqual([inWinter, inSummer]);
  });

  it('is the browser’s without a chosen zone', () => {
    expect(zoneOffsetMs(winter)).toBe(0 - new Date(winter).getTimezoneOffset() * 60_000);
  });
});

describe('zoneName', () => {
  it('is short', () => {
    locale.set(localeOf({ ...english, timeZone: 'UTC' }));
    expect(zoneName(winter)).toBe('UTC');
  });
});

describe('isTimeZone', () => {
  it('accepts names of the IANA database', () => {
    expect(['UTC', 'Asia/Seoul', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});
