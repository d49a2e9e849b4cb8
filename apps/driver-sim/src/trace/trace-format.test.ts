import { describe, expect, it } from 'vitest';
import { BrokenLine, readFix, readHeader, readRepeatedHeader, type TraceColumns } from './trace-format.js';

const nowMs = Date.UTC(2026, 0, 1);
const columns = headerOf('cab,ts,lat,lon,occ');

function headerOf(text: string): TraceColumns {
  return readHeader({ number: 1, text, cut: false }) as TraceColumns;
}

function fixOf(text: string, header = columns) {
  return readFix({ number: 2, text, cut: false }, header, nowMs);
}

describe('readHeader', () => {
  it('finds columns by name in any order, ignores others and a byte order mark', () => {
    const header = headerOf('\uFEFFlon,lat, ts ,"cab",driver');
    expect(fixOf('7.5,43.7,1211382000,abc,x', header)).toEqual({
      cab: 'abc',
      timestampMs: 1_211_382_000_000,
      lat: 43.7,
      lng: 7.5,
      occupied: undefined,
      timeUnit: 'seconds',
    });
  });

  it('names the missing columns and the header', () => {
    expect(readHeader({ number: 1, text: 'id,ts,lat', cut: false })).toEqual(
      new BrokenLine('missing columns cab, lon in the header "id,ts,lat"'),
    );
  });
});

describe('readRepeatedHeader', () => {
  it('returns the columns of a header, and undefined for a fix', () => {
    const line = (text: string) => ({ number: 9, text, cut: false });
    expect(readRepeatedHeader(line('\uFEFFts,cab,lat,lon'))).toMatchObject({
      ts: 0,
      cab: 1,
      count: 4,
      occ: -1,
    });
    expect(readRepeatedHeader(line('a,1211382000,37.5,-122.4,0'))).toBeUndefined();
    expect(readRepeatedHeader(line('catslatlon cab,1,2'))).toBeUndefined();
  });
});

describe('readFix', () => {
  it.each([
    ['1211382000', 'seconds'],
    ['1211382000000', 'milliseconds'],
    ['1211382000000000', 'microseconds'],
    ['1.211382e18', 'nanoseconds'],
  ])('recognizes %s as %s', (ts, timeUnit) => {
    expect(fixOf(`a,${ts},37.5,-122.4,0`)).toMatchObject({ timestampMs: 1_211_382_000_000, timeUnit });
  });

  it('reads quoted fields and fractions of seconds', () => {
    expect(fixOf('"a,""b""",1211382000.25,-37.5,-122.4,1')).toEqual({
      cab: 'a,"b"',
      timestampMs: 1_211_382_000_250,
      lat: -37.5,
      lng: -122.4,
      occupied: true,
      timeUnit: 'seconds',
    });
  });

  it.each([
    ['a,1211382000,37.5', '3 fields, but the header has 5'],
    ['a,1211382000,37.5,-122.4,0,9', '6 fields, but the header has 5'],
    [',1211382000,37.5,-122.4,0', 'cab: empty'],
    ['a,yesterday,37.5,-122.4,0', 'ts: expected unix seconds, got "yesterday"'],
    ['a,-5,37.5,-122.4,0', 'ts: expected unix seconds, got "-5"'],
    ['a,1800000000,37.5,-122.4,0', 'ts: expected a time in the past, got "1800000000"'],
    ['a,1800000000000,37.5,-122.4,0', 'ts: expected a time in the past, got "1800000000000"'],
    ['a,99999999999,37.5,-122.4,0', 'ts: expected a time in the past, got "99999999999"'],
    ['a,1e20,37.5,-122.4,0', 'ts: expected unix seconds, got "1e20"'],
    ['a,1211382000,91,-122.4,0', 'lat: expected degrees from -90 to 90, got "91"'],
    ['a,1211382000,NaN,-122.4,0', 'lat: expected degrees from -90 to 90, got "NaN"'],
    ['a,1211382000,,-122.4,0', 'lat: expected degrees from -90 to 90, got ""'],
    ['a,1211382000,0x10,-122.4,0', 'lat: expected degrees from -90 to 90, got "0x10"'],
    ['a,1211382000,37.5,180.5,0', 'lon: expected degrees from -180 to 180, got "180.5"'],
    ['a,1211382000,37.5,-122.4,yes', 'occ: expected 0 or 1, got "yes"'],
    ['"a,1211382000,37.5,-122.4,0', 'unterminated quote'],
  ])('rejects %s with a reason', (text, reason) => {
    expect(fixOf(text)).toEqual(new BrokenLine(reason));
  });
});
