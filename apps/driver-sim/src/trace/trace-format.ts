import { parse } from 'csv-parse/sync';
import { MAX_LINE_CHARS, type Line } from './read-lines.js';

const REQUIRED_COLUMNS = ['cab', 'ts', 'lat', 'lon'] as const;
const MAX_CAB_NAME_CHARS = 255;

/** A recording is not from the future; clocks may differ by a day. */
const MAX_AHEAD_MS = 86_400_000;

/** Where a cab was, and when. */
export interface Fix {
  readonly cab: string;
  readonly timestampMs: number;
  readonly lat: number;
  readonly lng: number;
  /** Whether it had a passenger; `undefined` where the trace does not tell. */
  readonly occupied: boolean | undefined;
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
  /** -1 where the trace has none. */
  readonly occ: number;
}

/** Reads the header: columns are found by name, in any order; others are passed over. */
export function readHeader(line: Line): TraceColumns | BrokenLine {
  const names = splitFields(line.text.replace(/^\uFEFF/, ''))?.map((name) => name.trim());
  if (names === undefined) return new BrokenLine('the header is not CSV');
  const missing = REQUIRED_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    const found = JSON.stringify(line.text.slice(0, 80));
    return new BrokenLine(`the header has no column ${missing.join(', ')}: ${found}`);
  }
  const [cab, ts, lat, lon, occ] = [...REQUIRED_COLUMNS, 'occ'].map((column) => names.indexOf(column));
  return { count: names.length, cab: cab!, ts: ts!, lat: lat!, lon: lon!, occ: occ! };
}

/** Reads one line below the header. `nowMs` bounds what a recording can be of. */
export function readFix(line: Line, columns: TraceColumns, nowMs: number): Fix | BrokenLine {
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
  const seconds = toNumber(field(columns.ts));
  if (seconds === undefined || seconds < 0) return wrong('ts', field(columns.ts), 'unix seconds');
  const timestampMs = Math.round(seconds * 1_000);
  if (timestampMs > nowMs + MAX_AHEAD_MS) return wrong('ts', field(columns.ts), 'a time in the past');
  const lat = toNumber(field(columns.lat));
  if (lat === undefined || Math.abs(lat) > 90)
    return wrong('lat', field(columns.lat), 'degrees from -90 to 90');
  const lng = toNumber(field(columns.lon));
  if (lng === undefined || Math.abs(lng) > 180) {
    return wrong('lon', field(columns.lon), 'degrees from -180 to 180');
  }
  const occupied = columns.occ === -1 ? '' : field(columns.occ);
  if (!['', '0', '1'].includes(occupied)) return wrong('occ', occupied, '0 or 1');
  return { cab, timestampMs, lat, lng, occupied: occupied === '' ? undefined : occupied === '1' };
}

function wrong(column: string, found: string, expected: string): BrokenLine {
  return new BrokenLine(`${column} is ${JSON.stringify(found.slice(0, 40))}, not ${expected}`);
}

function toNumber(text: string): number | undefined {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,2})?$/i.test(text) ? Number(text) : undefined;
}

/** The fields of one line; `undefined` where its quotes are not CSV's. A record never spans lines here. */
function splitFields(text: string): string[] | undefined {
  if (!text.includes('"')) return text.split(',');
  try {
    return parse(text, { to_line: 1 })[0] as string[] | undefined;
  } catch {
    return undefined;
  }
}
