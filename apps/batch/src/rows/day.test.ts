import { describe, expect, it } from 'vitest';
import { dayOf, isLoadable, MAX_DAYS_AHEAD, MAX_DAYS_BACK, partitionName, startOf } from './day.js';

const noon = Date.UTC(2026, 10, 22, 12);

describe('days', () => {
  it('change at midnight UTC', () => {
    const midnight = Date.UTC(2026, 10, 23);
    expect(dayOf(midnight) - dayOf(midnight - 1)).toBe(1);
    expect(startOf(dayOf(midnight))).toBe('2026-11-23T00:00:00.000Z');
  });

  it('name partitions', () => {
    expect(partitionName('telemetry', dayOf(noon))).toBe('telemetry_20261122');
  });

  it('are loaded within their bounds, and not beyond', () => {
    const today = dayOf(noon);
    expect([-MAX_DAYS_BACK, 0, MAX_DAYS_AHEAD].map((days) => isLoadable(today + days, noon))).toEqual([
      true,
      true,
      true,
    ]);
    expect([-MAX_DAYS_BACK - 1, MAX_DAYS_AHEAD + 1].map((days) => isLoadable(today + days, noon))).toEqual([
      false,
      false,
    ]);
  });
});
