import { describe, expect, it } from 'vitest';
import { dayOf, monthOf, startOf } from './day.js';

describe('days', () => {
  it('change at midnight UTC', () => {
    const midnight = Date.UTC(2026, 10, 23);
    expect(dayOf(midnight) - dayOf(midnight - 1)).toBe(1);
    expect(startOf(dayOf(midnight))).toBe('2026-11-23T00:00:00.000Z');
  });

  it('are in months, also across a year', () => {
    const day = dayOf(Date.UTC(2026, 10, 23));
    const months = [0, 1, 2, -11].map((count) => startOf(monthOf(day, count)).slice(0, 10));
    expect(months).toEqual(['2026-11-01', '2026-12-01', '2027-01-01', '2025-12-01']);
  });
});
