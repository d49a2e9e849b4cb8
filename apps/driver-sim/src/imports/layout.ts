import { distanceMeters, type Position } from '@hailstream/roads';
import { parseNumber } from '../files/csv-line.js';
import { MAX_TRIP_MS, SkippedRow, type ImportedTrip } from './imported-trip.js';
import { parseWallTime, type LocalClock } from './local-time.js';
import type { ZonePositions } from './zone-positions.js';

/** What the rows of a file contain, and how a row becomes a trip. */
export interface Layout {
  /** Part of the ids: changing it changes the ids of all imported events. */
  readonly name: string;
  readonly title: string;
  /** The columns that the file must have, for messages. */
  readonly columns: string;
  /** Returns the reader of the rows below a line, if the line is the header, or the first row of a layout without one. */
  recognize(fields: readonly string[], zones: ZonePositions | undefined): RowReader | undefined;
}

export interface RowReader {
  /** Whether the recognized line is a header, which is not a row. */
  readonly isHeader: boolean;
  /** Number of fields of a row. */
  readonly fieldCount: number;
  /** Whether positions are only known to be somewhere in the city. */
  readonly hasCityPositionsOnly: boolean;
  read(fields: readonly string[]): ReadTrip | SkippedRow;
}

/** A trip as one row describes it. Rows with the same key describe the same trip. */
export interface ReadTrip {
  readonly key: string;
  readonly trip: ImportedTrip;
}

/** Finds columns by their names, in any order and in any of several spellings. */
export class Columns {
  private constructor(private readonly indexes: ReadonlyMap<string, number>) {}

  /**
   * Returns the columns of a header; `undefined` if a required one is missing. `names` has the spellings of each column, in
   * lower case and with underscores.
   */
  static find<Name extends string>(
    header: readonly string[],
    names: Readonly<Record<Name, readonly string[]>>,
    required: readonly Name[],
  ): Columns | undefined {
    const normalized = header.map((name) => name.trim().toLowerCase().replaceAll(/\s+/g, '_'));
    const indexes = new Map<string, number>();
    for (const [name, spellings] of Object.entries<readonly string[]>(names)) {
      const index = normalized.findIndex((column) => spellings.includes(column));
      if (index !== -1) indexes.set(name, index);
    }
    return required.every((name) => indexes.has(name)) ? new Columns(indexes) : undefined;
  }

  has(name: string): boolean {
    return this.indexes.has(name);
  }

  /** The field of a column, trimmed; empty if the file lacks the column. */
  text(fields: readonly string[], name: string): string {
    const index = this.indexes.get(name);
    return index === undefined ? '' : (fields[index] ?? '').trim();
  }

  number(fields: readonly string[], name: string): number | undefined {
    return parseNumber(this.text(fields, name).replaceAll(/[$,]/g, ''));
  }

  /** All fields of the known columns, by which a row without an id is identified. */
  identity(fields: readonly string[]): string {
    return [...this.indexes.keys()].map((name) => `${name}=${this.text(fields, name)}`).join('|');
  }
}

/** Trips of a city do not go further away from it. */
const MAX_METERS_FROM_CITY = 300_000;

/** Returns a position of a trip in a city. 0, 0 is a missing position. */
export function toPosition(
  lat: number | undefined,
  lng: number | undefined,
  city: Position,
): Position | SkippedRow {
  if (lat === undefined || lng === undefined || (lat === 0 && lng === 0))
    return new SkippedRow('no position');
  if (Math.abs(lat) > 90 || Math.abs(lng) > 180) return new SkippedRow('no position', `${lat}, ${lng}`);
  const position = { lat, lng };
  if (distanceMeters(city, position) <= MAX_METERS_FROM_CITY) return position;
  return new SkippedRow('position of another place', `${lat}, ${lng}`);
}

/** Returns the period between two wall-clock times, or why they are not a period. */
export function localPeriod(
  clock: LocalClock,
  { startText, endText }: { startText: string; endText: string },
): { startMs: number; endMs: number } | SkippedRow {
  const [startWallMs, endWallMs] = [parseWallTime(startText), parseWallTime(endText)];
  const detail = `${startText} to ${endText}`;
  if (startWallMs === undefined || endWallMs === undefined) return new SkippedRow('no valid time', detail);
  const period = clock.periodOf(startWallMs, endWallMs);
  if (period === 'nonexistent') return new SkippedRow('no such local time', detail);
  if (period === 'backwards') return new SkippedRow('ends before its start', detail);
  if (period.endMs - period.startMs > MAX_TRIP_MS) return new SkippedRow('longer than 31 days', detail);
  return period;
}

/** Whether it is a number of passengers that MDS allows. */
export function isPassengerCount(count: number | undefined): count is number {
  return count !== undefined && Number.isInteger(count) && count >= 0 && count <= 1_000;
}

/** Returns cents, or `undefined` for an amount that a fare cannot have. */
export function toCents(amount: number | undefined): number | undefined {
  return amount === undefined || amount < 0 ? undefined : Math.round(amount * 100);
}

export const METERS_PER_MILE = 1_609.344;
