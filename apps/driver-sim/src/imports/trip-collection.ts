import { PeriodFinder } from '../trace/trace-period.js';
import { SkippedRow, type ImportedTrip, type SkipReason } from './imported-trip.js';
import type { ReadTrip } from './layout.js';
import { TraceError } from '../trace/read-lines.js';

/** Maximum number of trips of a file, which are kept in memory: about 500 MB. */
const MAX_TRIPS = 1_000_000;

interface CollectedTrip {
  trip: ImportedTrip;
  rows: number;
  /** Whether a row without an end was read, and one with it. */
  hasStartRow: boolean;
  hasEndRow: boolean;
}

/** What a file contains. Every row is either part of a trip or skipped. */
export interface CollectedTrips {
  /** In order of their starts. */
  readonly trips: readonly ImportedTrip[];
  /** Number of rows that are part of the trips. */
  readonly converted: number;
  /** Number of the other rows by reason. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

/** Joins the rows of a file to trips, and counts those that are not used. */
export class TripCollection {
  private readonly byKey = new Map<string, CollectedTrip>();
  private readonly skipped = new Map<SkipReason, number>();

  constructor(private readonly path: string) {}

  /**
   * Adds a row. Returns it as skipped if it repeats or contradicts an earlier one.
   *
   * @throws TraceError if the file has too many trips
   */
  add({ key, trip }: ReadTrip): SkippedRow | undefined {
    const isEnd = trip.endMs !== undefined;
    const known = this.byKey.get(key);
    if (known === undefined) {
      if (this.byKey.size >= MAX_TRIPS) {
        throw new TraceError(`${this.path}: more than ${MAX_TRIPS} trips; split the file`);
      }
      this.byKey.set(key, { trip, rows: 1, hasStartRow: !isEnd, hasEndRow: isEnd });
      return undefined;
    }
    if (!isSameTrip(known.trip, trip)) return new SkippedRow('contradicts another row');
    if (isEnd ? known.hasEndRow : known.hasStartRow) {
      const isRepeated = !isEnd || known.trip.endMs === trip.endMs;
      return new SkippedRow(isRepeated ? 'repeated' : 'contradicts another row');
    }
    known.rows += 1;
    if (isEnd) known.trip = trip;
    known.hasStartRow ||= !isEnd;
    known.hasEndRow ||= isEnd;
    return undefined;
  }

  countSkipped(reason: SkipReason, rows = 1): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + rows);
  }

  /** Returns the trips of the period that the file covers. Trips that have not ended at `nowMs` have a wrong date. */
  finish(nowMs: number): CollectedTrips {
    const past: CollectedTrip[] = [];
    const period = new PeriodFinder();
    for (const collected of this.byKey.values()) {
      const { startMs, endMs = startMs } = collected.trip;
      if (endMs > nowMs) {
        this.countSkipped('in the future', collected.rows);
        continue;
      }
      past.push(collected);
      period.add(startMs);
    }
    const { firstMs, lastMs } = period.find() ?? { firstMs: 0, lastMs: 0 };
    let converted = 0;
    const trips: ImportedTrip[] = [];
    for (const { trip, rows } of past) {
      if (trip.startMs < firstMs || trip.startMs > lastMs) {
        this.countSkipped('outside the period of the file', rows);
        continue;
      }
      converted += rows;
      trips.push(trip);
    }
    trips.sort((a, b) => a.startMs - b.startMs || (a.identity < b.identity ? -1 : 1));
    return { trips, converted, skipped: Object.fromEntries(this.skipped) };
  }
}

function isSameTrip(one: ImportedTrip, other: ImportedTrip): boolean {
  return (
    one.identity === other.identity &&
    one.vehicle === other.vehicle &&
    one.start.lat === other.start.lat &&
    one.start.lng === other.start.lng &&
    one.end.lat === other.end.lat &&
    one.end.lng === other.end.lng
  );
}
