import type { RowKeys } from './row-keys.js';

const HOUR_MS = 3_600_000;
/** More than the hours from the year 1 to 9999. */
const MAX_HOURS = 100_000_000;

/** Number of repeated records of a provider with an event time in an hour. */
export interface HourDuplicates {
  readonly providerId: string;
  /** Start of the hour. */
  readonly hourMs: number;
  readonly records: number;
}

/** Counts the repeated records of a chunk by provider and hour of the event time. */
export class DuplicateTally {
  /** By number of the provider and hour. */
  private readonly hours = new Map<
    number,
    { readonly row: number; readonly hour: number; records: number }
  >();
  private total = 0;

  constructor(private readonly keys: RowKeys) {}

  /** Number of repeated records. */
  get count(): number {
    return this.total;
  }

  /** Counts a row, or a record that repeats its event at another time. */
  add(row: number, timeMs = this.keys.timeAt(row)): void {
    const hour = Math.floor(timeMs / HOUR_MS);
    const key = this.keys.providerNumberAt(row) * MAX_HOURS + hour;
    const counted = this.hours.get(key);
    if (counted === undefined) this.hours.set(key, { row, hour, records: 1 });
    else counted.records += 1;
    this.total += 1;
  }

  /** Counts the rows that are not among the remaining ones. Both are in ascending order. */
  addMissing(rows: readonly number[], remaining: readonly number[]): void {
    if (rows.length === remaining.length) return;
    let next = 0;
    for (const row of rows) {
      if (remaining[next] === row) next += 1;
      else this.add(row);
    }
  }

  /** Returns the counts in the order of hours and providers. */
  byHour(): HourDuplicates[] {
    return [...this.hours.values()]
      .map(({ row, hour, records }) => ({
        providerId: this.keys.at(row).providerId,
        hourMs: hour * HOUR_MS,
        records,
      }))
      .toSorted((a, b) => a.hourMs - b.hourMs || (a.providerId < b.providerId ? -1 : 1));
  }
}
