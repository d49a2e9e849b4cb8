import { parseNumber, splitFields, withoutByteOrderMark } from '../files/csv-line.js';
import { MAX_LINE_CHARS, type Line } from './read-lines.js';

const REQUIRED_COLUMNS = ['cab', 'ts', 'lat', 'lon'] as const;
const MAX_CAB_NAME_CHARS = 255;

/** A recording cannot be from the future; clocks may differ by a day. */
const MAX_AHEAD_MS = 86_400_000;

/**
 * The unit of `ts`, recognized by its size: 100 billion seconds are the year 5138, and 100 billion milliseconds are in
 * 1973. Between those years the unit is unambiguous.
 */
const TIME_UNITS = [
  { name: 'seconds', below: 1e11, perMs: 1e-3 },
  { name: 'milliseconds', below: 1e14, perMs: 1 },
  { name: 'microseconds', below: 1e17, perMs: 1e3 },
  { name: 'nanoseconds', below: 1e20, perMs: 1e6 },
] as const;

export type TimeUnit = (typeof TIME_UNITS)[number]['name'];

/** Where a cab was, and when. */
export interface Fix {
  readonly cab: string;
  readonly timestampMs: number;
  readonly lat: number;
  readonly lng: number;
  /** Whether the cab had a passenger; `undefined` if the trace does not contain that. */
  readonly occupied: boolean | undefined;
}

/** A fix with the unit in which its line has the time. */
export interface WrittenFix extends Fix {
  readonly timeUnit: TimeUnit;
}

/** A line that is not a fix, and the reason. */
export class BrokenLine {
  constructor(readonly reason: string) {}
}

/** Indexes of the columns. */
export interface TraceColumns {
  readonly count: number;
  readonly cab: number;
  readonly ts: number;
  readonly lat: number;
  readonly lon: number;
  /** -1 if the trace has none. */
  readonly occ: number;
}

/** Reads the header: columns are found by name, in any order; other columns are ignored. */
export function readHeader(line: Line): TraceColumns | BrokenLine {
  const names = splitFields(withoutByteOrderMark(line.text))?.map((name) => name.trim());
  if (names === undefined) return new BrokenLine('the header is not CSV');
  const missing = REQUIRED_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    const found = JSON.stringify(line.text.slice(0, 80));
    return new BrokenLine(`missing columns ${missing.join(', ')} in the header ${found}`);
  }
  const [cab, ts, lat, lon, occ] = [...REQUIRED_COLUMNS, 'occ'].map((column) => names.indexOf(column));
  return { count: names.length, cab: cab!, ts: ts!, lat: lat!, lon: lon!, occ: occ! };
}

/** Reads a header below the first one: in concatenated files, each has its own. Returns `undefined` for another line. */
export function readRepeatedHeader(line: Line): TraceColumns | undefined {
  if (!REQUIRED_COLUMNS.every((column) => line.text.includes(column))) return undefined;
  const columns = readHeader(line);
  return columns instanceof BrokenLine ? undefined : columns;
}

/** Reads one line below the header. A recording later than `nowMs` is not valid. */
export function readFix(line: Line, columns: TraceColumns, nowMs: number): WrittenFix | BrokenLine {
  if (line.cut) return new BrokenLine(`longer than ${MAX_LINE_CHARS} characters`);
  const fields = splitFields(line.text);
  if (fields === undefined) return new BrokenLine('unterminated quote');
  if (fields.length !== columns.count) {
    return new BrokenLine(`${fields.length} fields, but the header has ${columns.count}`);
  }
  const field = (index: number): string => fields[index]!.trim();
  const cab = field(columns.cab);
  if (cab === '' || cab.length > MAX_CAB_NAME_CHARS) {
    return new BrokenLine(`cab: ${cab === '' ? 'empty' : `longer than ${MAX_CAB_NAME_CHARS} characters`}`);
  }
  const time = toTime(field(columns.ts));
  if (time === undefined) return wrong('ts', field(columns.ts), 'unix seconds');
  if (time.timestampMs > nowMs + MAX_AHEAD_MS) return wrong('ts', field(columns.ts), 'a time in the past');
  const lat = parseNumber(field(columns.lat));
  if (lat === undefined || Math.abs(lat) > 90)
    return wrong('lat', field(columns.lat), 'degrees from -90 to 90');
  const lng = parseNumber(field(columns.lon));
  if (lng === undefined || Math.abs(lng) > 180) {
    return wrong('lon', field(columns.lon), 'degrees from -180 to 180');
  }
  const occupied = columns.occ === -1 ? '' : field(columns.occ);
  if (!['', '0', '1'].includes(occupied)) return wrong('occ', occupied, '0 or 1');
  return { cab, ...time, lat, lng, occupied: occupied === '' ? undefined : occupied === '1' };
}

function toTime(text: string): { timestampMs: number; timeUnit: TimeUnit } | undefined {
  const count = parseNumber(text);
  if (count === undefined || count < 0) return undefined;
  const unit = TIME_UNITS.find(({ below }) => count < below);
  if (unit === undefined) return undefined;
  return { timestampMs: Math.round(count / unit.perMs), timeUnit: unit.name };
}

function wrong(column: string, found: string, expected: string): BrokenLine {
  return new BrokenLine(`${column}: expected ${expected}, got ${JSON.stringify(found.slice(0, 40))}`);
}
