import { afterEach, describe, expect, it } from 'vitest';
import { locale, localeOf } from '../locale/locale.js';
import { dayOf, fromLocal, shifted, startOf, toLocal } from './day.js';

const before = locale.get();
const useZone = (timeZone: string): void => locale.set(localeOf({ ...before, timeZone }));
afterEach(() => locale.set(before));

describe('a day', () => {
  it('begins at midnight in the time zone of the page', () => {
    useZone('Asia/Seoul');
    expect(startOf('2026-11-29')).toBe(Date.UTC(2026, 10, 28, 15));
    expect(dayOf(Date.UTC(2026, 10, 28, 15))).toBe('2026-11-29');
    expect(dayOf(Date.UTC(2026, 10, 28, 15) - 1)).toBe('2026-11-28');
  });

  it('has 23 or 25 hours when summer time begins or ends', () => {
    useZone('Europe/Paris');
    const hours = (day: string): number => (startOf(shifted(day, 1)) - startOf(day)) / 3_600_000;
    expect(['2026-03-28', '2026-03-29', '2026-10-25'].map(hours)).toEqual([24, 23, 25]);
  });

  it('follows the last day of a month', () => {
    expect(shifted('2026-02-28', 1)).toBe('2026-03-01');
    expect(shifted('2026-01-01', -1)).toBe('2025-12-31');
  });
});

describe('a local time', () => {
  it('is the moment that it was made of', () => {
    useZone('Asia/Seoul');
    const at = Date.UTC(2026, 10, 28, 23, 42);
    expect(toLocal(at)).toBe('2026-11-29T08:42');
    expect(fromLocal(toLocal(at))).toBe(at);
    expect(fromLocal('yesterday')).toBeNaN();
  });
});
