import { parse } from 'csv-parse/sync';
import { MAX_LINE_CHARS, type Line } from './read-lines.js';

const REQUIRED_COLUMNS = ['cab', 'ts', 'lat', 'lon'] as const;
const MAX_CAB_NAME_CHARS = 255;

/** A recording is not from the future; clocks may differ by a day. */
const MAX_AHEAD_MS = 86_400_000;

/**
 * What a number in `ts` counts, told by its size: 100 billion seconds are the year 5138, and 100 billion milliseconds are
 * in 1973. Between those years no number can be taken for two things.
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
  /** Whether it had a passenger; `undefined` if the trace does not tell. */
  readonly occupied: boolean | undefined;
}

/** A fix as a line says it. */
export interface WrittenFix extends Fix {
  readonly timeUnit: TimeUnit;
}

/** A line that is no fix, and why. */
export class BrokenLine {
  constructor(readonly reason: string) {}
}

/** Where each column of a trace is. */
export interface TraceColumns {
  readonly count: number;
  readonly cab: number;
  readonly ts: number;
  readonly lat: number;
  readonly lon: number;
  /** -1 if the trace has none. */
  readonly occ: number;
}

/** Reads the header: columns are found by name, in any order; others are passed over. */
export function readHeader(line: Line): TraceColumns | BrokenLine {
  const names = splitFields(withoutByteOrderMark(line.text))?.map((name) => name.trim());
  if (names === undefined) return new BrokenLine('the header is not CSV');
  const missing = REQUIRED_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    const found = JSON.stringify(line.text.slice(0, 80));
    return new BrokenLine(`the header has no column ${missing.join(', ')}: ${found}`);
  }
  const [cab, ts, lat, lon, occ] = [...REQUIRED_COLUMNS, 'occ'].map((column) => names.indexOf(column));
  return { count: names.length, cab: cab!, ts: ts!, lat: lat!, lon: lon!, occ: occ! };
}

/** The columns that a line below the header names: files that were put together each have a header. */
export function readRepeatedHeader(line: Line): TraceColumns | undefined {
  if (!REQUIRED_COLUMNS.every((column) => line.text.includes(column))) return undefined;
  const columns = readHeader(line);
  return columns instanceof BrokenLine ? undefined : columns;
}

/** Reads one line below the header. `nowMs` bounds what a recording can be of. */
export function readFix(line: Line, columns: TraceColumns, nowMs: number): WrittenFix | BrokenLine {
  if (line.cut) return new BrokenLine(`is longer than ${MAX_LINE_CHARS} characters`);
  const fields = splitFields(line.text);
  if (fields === undefined) return new BrokenLine('has a quote that does not end');
  if (fields.length !== columns.count) {
    return new BrokenLine(`has ${fields.length} fields where the header has ${columns.count}`);
  }
  const field = (index: number): string => fields[index]!.trim();
  const cab = field(columns.cab);
  if (cab === '' || cab.length > MAX_CAB_NAME_CHARS) {
    return new BrokenLine(`cab is ${cab === '' ? 'empty' : `longer than ${MAX_CAB_NAME_CHARS} characters`}`);
  }
  const time = toTime(field(columns.ts));
  if (time === undefined) return wrong('ts', field(columns.ts), 'unix seconds');
  if (time.timestampMs > nowMs + MAX_AHEAD_MS) return wrong('ts', field(columns.ts), 'a time in the past');
  const lat = toNumber(field(columns.lat));
  if (lat === undefined || Math.abs(lat) > 90)
    return wrong('lat', field(columns.lat), 'degrees from -90 to 90');
  const lng = toNumber(field(columns.lon));
  if (lng === undefined || Math.abs(lng) > 180) {
    return wrong('lon', field(columns.lon), 'degrees from -180 to 180');
  }
  const occupied = columns.occ === -1 ? '' : field(columns.occ);
  if (!['', '0', '1'].includes(occupied)) return wrong('occ', occupied, '0 or 1');
  return { cab, ...time, lat, lng, occupied: occupied === '' ? undefined : occupied === '1' };
}

function toTime(text: string): { timestampMs: number; timeUnit: TimeUnit } | undefined {
  const count = toNumber(text);
  if (count === undefined || count < 0) return undefined;
  const unit = TIME_UNITS.find(({ below }) => count < below);
  if (unit === undefined) return undefined;
  return { timestampMs: Math.round(count / unit.perMs), timeUnit: unit.name };
}

function withoutByteOrderMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

function wrong(column: string, found: string, expected: string): BrokenLine {
  return new BrokenLine(`${column} is ${JSON.stringify(found.slice(0, 40))}, not ${expected}`);
}

function toNumber(text: string): number | undefined {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,2})?$/i.test(text) ? Number(text) : undefined;
}

/** The fields of one line; `undefined` if its quotes are not CSV's. A record never spans lines here. */
function splitFields(text: string): string[] | undefined {
  if (!text.includes('"')) return text.split(',');
  try {
    return parse(text, { to_line: 1 })[0] as string[] | undefined;
  } catch {
    return undefined;
  }
}
