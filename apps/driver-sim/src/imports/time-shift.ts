import { DEFAULT_MAX_AGE_DAYS, EARLIEST_TIMESTAMP_MS } from '@hailstream/events';

const DAY_MS = 86_400_000;

/** Whole weeks, and almost a year: the weekday, the hour in UTC and the season stay the same. */
const STEP_DAYS = 364;

/** Events that are younger keep their times: ingest accepts them with its default limit for months. */
const MAX_KEPT_AGE_MS = (DEFAULT_MAX_AGE_DAYS - 90) * DAY_MS;

/**
 * Returns the number of days by which the times of a file are moved, so that ingest accepts them: none, or the largest
 * multiple of 364 after which the year of the last trip is not in the future. It is the same for all files of a year, and
 * changes once a year.
 */
export function shiftDaysOf(period: { firstMs: number; lastMs: number }, nowMs: number): number {
  if (period.firstMs >= Math.max(EARLIEST_TIMESTAMP_MS, nowMs - MAX_KEPT_AGE_MS)) return 0;
  const yearEndMs = Date.UTC(new Date(period.lastMs).getUTCFullYear() + 1, 0, 1);
  return Math.max(0, Math.floor((nowMs - yearEndMs) / (STEP_DAYS * DAY_MS))) * STEP_DAYS;
}
