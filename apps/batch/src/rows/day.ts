const MILLISECONDS_PER_DAY = 86_400_000;

/** Days back from now that events are loaded for: beyond them it is a broken clock, and each day is a partition. */
export const MAX_DAYS_BACK = 5 * 366;
/** Days ahead of now: what clocks and their time zones may be wrong by. */
export const MAX_DAYS_AHEAD = 2;

/** A UTC day, counted from 1970-01-01. */
export type Day = number;

export function dayOf(timestampMs: number): Day {
  return Math.floor(timestampMs / MILLISECONDS_PER_DAY);
}

/** When a day starts, as ISO 8601: `2026-11-22T00:00:00.000Z`. */
export function startOf(day: Day): string {
  return new Date(day * MILLISECONDS_PER_DAY).toISOString();
}

/** The partition of a table for a day: `telemetry_20261122`. */
export function partitionName(table: string, day: Day): string {
  return `${table}_${startOf(day).slice(0, 10).replaceAll('-', '')}`;
}

/** Whether events of a day are loaded, `nowMs` being now. */
export function isLoadable(day: Day, nowMs: number): boolean {
  const today = dayOf(nowMs);
  return day >= today - MAX_DAYS_BACK && day <= today + MAX_DAYS_AHEAD;
}
