import { describe, expect, it } from 'vitest';
import { RecordCursor } from '../../protocol/record-cursor.js';
import { writeRecords } from '../../protocol/records.js';
import { makeLogRecord, type LogHeader, type LogRecord, type OutgoingRecord } from '../record/record.js';
import { deadLetterVersions } from '../dead-letter/dead-letter-record.js';
import {
  isRedrivenForAnother,
  originalTimestampMs,
  REDRIVE_HEADERS,
  readRedrive,
  readRedriveMark,
  redriveRecords,
} from './redrive-record.js';

const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });
const OWN = [header('tag', '1'), header('tag', '2'), { key: 'none', value: null }];

/** A record as it is read from the log. */
function stored(record: Omit<OutgoingRecord, 'topic' | 'partition'>): LogRecord {
  const { timestampMs = 0 } = record;
  const headers = (record.headers as readonly LogHeader[]).map(({ key, value }) => ({
    key,
    value: value === null ? null : Buffer.from(value),
  }));
  const [key, value] = [record.key as Buffer | null, record.value as Buffer | null];
  const cursor = new RecordCursor(
    writeRecords([{ offsetDelta: 0, timestampDelta: 0n, key, value, headers }]),
  );
  cursor.advance();
  return makeLogRecord(cursor, 9n, timestampMs);
}

const original = stored({ key: Buffer.from('k'), value: Buffer.from('v'), headers: OWN, timestampMs: 1_000 });
const PLACE = { topic: 'dead', partition: 2 };
const FOREVER = { nowMs: 9_000, retentionMs: -1 };

function deadLetterOf(record: LogRecord, version = 0): LogRecord {
  const letter = { topic: 'a', partition: 3, record, reason: new Error('no'), attempts: 1, groupId: 'g' };
  return stored([...deadLetterVersions({ kind: 'record', ...letter }, 5_000)][version]!);
}

describe(redriveRecords, () => {
  it('returns the record for its partition, unchanged, and the mark for that of the dead letter', () => {
    const added = [
      { key: REDRIVE_HEADERS.id, value: 'a/3/9/g/1000' },
      { key: REDRIVE_HEADERS.group, value: 'g' },
      { key: REDRIVE_HEADERS.count, value: '1' },
    ];
    expect(redriveRecords(deadLetterOf(original), PLACE, FOREVER)).toEqual([
      {
        topic: 'a',
        partition: 3,
        key: Buffer.from('k'),
        value: Buffer.from('v'),
        headers: [...OWN, ...added],
        timestampMs: 1_000,
      },
      { topic: 'dead', partition: 2, key: null, value: null, headers: added },
    ]);
  });

  it('counts how often a record was redriven, in one set of headers', () => {
    const [once] = redriveRecords(deadLetterOf(original), PLACE, FOREVER);
    const [twice] = redriveRecords(deadLetterOf(stored(once)), PLACE, FOREVER);
    const names = (twice.headers as readonly LogHeader[]).map(({ key }) => key);
    const { id, group, count } = REDRIVE_HEADERS;
    expect(names).toEqual(['tag', 'tag', 'none', id, group, count]);
    expect(readRedrive(stored(twice))).toEqual({ id: 'a/3/9/g/1000', groupId: 'g', count: 2 });
  });

  it('keeps the timestamp for half of the retention, and then has it in a header', () => {
    const timesOf = (record: OutgoingRecord) => ({
      timestampMs: record.timestampMs,
      header: stored(record).headers[REDRIVE_HEADERS.timestamp]?.toString(),
    });
    const redrivenAt = (letter: LogRecord, nowMs: number) =>
      redriveRecords(letter, PLACE, { nowMs, retentionMs: 600 })[0];
    const letter = deadLetterOf(original);
    expect(timesOf(redrivenAt(letter, 1_300))).toEqual({ timestampMs: 1_000 });
    const late = redrivenAt(letter, 1_301);
    expect(timesOf(late)).toEqual({ timestampMs: 1_301, header: '1000' });
    const later = redrivenAt(deadLetterOf(stored(late)), 2_000);
    expect(timesOf(later)).toEqual({ timestampMs: 2_000, header: '1000' });
  });

  it('refuses a dead letter whose value was left out', () => {
    expect(() => redriveRecords(deadLetterOf(original, 3), PLACE, FOREVER)).toThrow(TypeError);
    expect(() => redriveRecords(original, PLACE, FOREVER)).toThrow(TypeError);
  });
});

describe(isRedrivenForAnother, () => {
  it('is true for other groups only, and for redriven records only', () => {
    const redriven = stored(redriveRecords(deadLetterOf(original), PLACE, FOREVER)[0]);
    expect(isRedrivenForAnother(redriven, 'other')).toBe(true);
    expect(isRedrivenForAnother(redriven, 'g')).toBe(false);
    expect(isRedrivenForAnother(original, 'other')).toBe(false);
  });
});

describe(originalTimestampMs, () => {
  it('is the timestamp before the first redrive, and that of the record if it was not redriven', () => {
    const redrive = (record: LogRecord, nowMs: number) =>
      stored(redriveRecords(deadLetterOf(record), PLACE, { nowMs, retentionMs: 600 })[0]);
    const once = redrive(original, 9_000);
    const twice = redrive(once, 20_000);
    expect([once, twice].map(({ timestampMs }) => timestampMs)).toEqual([9_000, 20_000]);
    expect([original, once, twice].map(originalTimestampMs)).toEqual([1_000, 1_000, 1_000]);
    expect(originalTimestampMs(redrive(original, 1_100))).toBe(1_000);
  });

  it('ignores the header in a record that was not redriven', () => {
    const headers = [header(REDRIVE_HEADERS.timestamp, '5')];
    expect(originalTimestampMs(stored({ key: null, value: null, headers, timestampMs: 7 }))).toBe(7);
  });
});

describe(readRedriveMark, () => {
  it('returns marks, and neither dead letters of redriven records nor other records', () => {
    const [redriven, mark] = redriveRecords(deadLetterOf(original), PLACE, FOREVER);
    expect(readRedriveMark(stored(mark))).toEqual({ id: 'a/3/9/g/1000', groupId: 'g', count: 1 });
    expect(readRedriveMark(deadLetterOf(stored(redriven)))).toBeUndefined();
    expect(readRedriveMark(original)).toBeUndefined();
  });
});
