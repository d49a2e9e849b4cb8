const MILLISECONDS_PER_DAY = 86_400_000;
/** Times that every Postgres and every client of it can represent: the years 1 to 9999. */
const MIN_TIME_MS = -62_135_596_800_000;
const MAX_TIME_MS = 253_402_300_799_999;

/** A UTC day, counted from 1970-01-01. */
export type Day = number;

/** Whether a column can have a time. The timestamp of a record may be any number. */
export function isStorableTime(timestampMs: number): boolean {
  return timestampMs >= MIN_TIME_MS && timestampMs <= MAX_TIME_MS;
}

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
