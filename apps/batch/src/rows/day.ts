const MILLISECONDS_PER_DAY = 86_400_000;

/** A UTC day, counted from 1970-01-01. */
export type Day = number;

export function dayOf(timestampMs: number): Day {
  return Math.floor(timestampMs / MILLISECONDS_PER_DAY);
}

/** Returns the start of a day in ISO 8601: `2026-11-22T00:00:00.000Z`. */
export function startOf(day: Day): string {
  return new Date(day * MILLISECONDS_PER_DAY).toISOString();
}

/** Returns the first day of the month that is `months` after the month of a day. */
export function monthOf(day: Day, months = 0): Day {
  const date = new Date(day * MILLISECONDS_PER_DAY);
  return dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
}
