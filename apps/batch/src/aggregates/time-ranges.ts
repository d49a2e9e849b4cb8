/** Length of a quarter of an hour, by which aggregates are kept. */
export const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A range of time in milliseconds since 1970, without its end. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Returns the start of the quarter of an hour (UTC) of a time. */
export function quarterOf(timeMs: number): number {
  return Math.floor(timeMs / QUARTER_MS) * QUARTER_MS;
}

/** Returns the start of the hour (UTC) of a time. */
export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS) * HOUR_MS;
}

/** Returns the ranges that consist of some quarters, in ascending order. Adjacent quarters are one range. */
export function rangesOf(quarters: Iterable<number>): TimeRange[] {
  const ranges: { fromMs: number; toMs: number }[] = [];
  for (const fromMs of [...new Set(quarters)].toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.toMs === fromMs) last.toMs += QUARTER_MS;
    else ranges.push({ fromMs, toMs: fromMs + QUARTER_MS });
  }
  return ranges;
}

/** Returns the days (UTC) that some times are in, in ascending order. */
export function daysOf(timesMs: Iterable<number>): TimeRange[] {
  const days = new Set([...timesMs].map((timeMs) => Math.floor(timeMs / DAY_MS) * DAY_MS));
  return [...days].toSorted((a, b) => a - b).map((fromMs) => ({ fromMs, toMs: fromMs + DAY_MS }));
}

/** Returns the condition that a column of type `date` is one of the days that start with the ranges. */
export function isInDays(column: string, days: readonly TimeRange[]): string {
  const each = days.map(({ fromMs }) => `'${new Date(fromMs).toISOString().slice(0, 10)}'`);
  return `${column} = ANY (ARRAY[${each.join(', ')}]::date[])`;
}

/**
 * Returns the condition that a column of type `timestamptz` is in one of some ranges. The bounds are constants, so that only
 * the partitions of the ranges are planned.
 */
export function isInRanges(column: string, ranges: readonly TimeRange[]): string {
  const each = ranges.map(
    ({ fromMs, toMs }) => `(${column} >= ${timeConstant(fromMs)} AND ${column} < ${timeConstant(toMs)})`,
  );
  return `(${each.join(' OR ')})`;
}

/**
 * An array of the starts of quarters or hours that are parameter 1, in milliseconds since 1970. Compared with it, an index is used
 * for any number of them.
 */
export const STARTS = `ARRAY(SELECT 'epoch'::timestamptz + start_ms * interval '1 millisecond' FROM unnest($1::bigint[]) AS start_ms)`;

function timeConstant(timeMs: number): string {
  return `'${new Date(timeMs).toISOString()}'::timestamptz`;
}
