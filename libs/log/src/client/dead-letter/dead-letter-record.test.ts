import { describe, expect, it } from 'vitest';
import { RecordCursor } from '../../protocol/record-cursor.js';
import { writeRecords } from '../../protocol/records.js';
import { makeLogRecord, type LogHeader, type LogRecord } from '../record/record.js';
import { UndecodableBatchError } from '../core/errors.js';
import type { DeadLetter } from './dead-letter.js';
import { deadLetterVersions, readDeadLetter, type DeadLetterContent } from './dead-letter-record.js';

const header = (key: string, value: string | null) => ({
  key,
  value: value === null ? null : Buffer.from(value),
});
const OWN = [header('tag', '1'), header('none', null), header('constructor', 'y'), header('tag', null)];

function recordWith(
  headers = OWN,
  { timestampMs = 1_700_000_000_000, value = Buffer.from([0xff, 0x00]) as Buffer | null } = {},
): LogRecord {
  const key = Buffer.from('device');
  const cursor = new RecordCursor(
    writeRecords([{ offsetDelta: 0, timestampDelta: 0n, key, value, headers }]),
  );
  cursor.advance();
  return makeLogRecord(cursor, 42n, timestampMs);
}

const letter = {
  kind: 'record' as const,
  topic: 'a',
  partition: 3,
  record: recordWith(),
  reason: new TypeError('no such field'),
  attempts: 6,
  groupId: 'g',
};
type Version = DeadLetterContent & { readonly headers: LogHeader[] };
const versions = (dead: DeadLetter, nowMs = 0) => [...deadLetterVersions(dead, nowMs)] as Version[];
const texts = ({ headers }: Version) => headers.map(({ key, value }) => [key, value && String(value)]);
const text = (version: Version | undefined, name: string) =>
  version?.headers.findLast(({ key }) => key === name)?.value?.toString();
/** The record as read from the dead-letter topic. */
function stored({ key, value, headers, timestampMs = 0 }: Version): LogRecord {
  const cursor = new RecordCursor(
    writeRecords([
      {
        offsetDelta: 0,
        timestampDelta: 0n,
        key: key as Buffer | null,
        value: value as Buffer | null,
        headers,
      },
    ]),
  );
  cursor.advance();
  return makeLogRecord(cursor, 0n, timestampMs);
}

describe('deadLetterVersions', () => {
  it("preserves the record's key, value and headers: order, repeats, nulls and any name", () => {
    const [first] = versions(letter);
    expect(first).toMatchObject({ key: Buffer.from('device'), value: Buffer.from([0xff, 0x00]) });
    expect(first?.headers.slice(0, OWN.length)).toEqual(OWN);
  });

  it('adds origin, group, attempts and reason', () => {
    const [first] = versions(letter, 1_700_000_001_000);
    expect(first?.timestampMs).toBe(1_700_000_001_000);
    expect(texts(first!).slice(OWN.length)).toEqual([
      ['dead-letter-id', 'a/3/42/g/1700000000000'],
      ['dead-letter-topic', 'a'],
      ['dead-letter-partition', '3'],
      ['dead-letter-offset', '42'],
      ['dead-letter-timestamp', '1700000000000'],
      ['dead-letter-group', 'g'],
      ['dead-letter-attempts', '6'],
      ['dead-letter-error-name', 'TypeError'],
      ['dead-letter-error', 'no such field'],
    ]);
  });

  it('preserves the headers of an earlier dead letter', () => {
    const record = recordWith([header('dead-letter-error', 'first')]);
    const [again] = versions({ ...letter, record });
    const errors = again?.headers.filter(({ key }) => key === 'dead-letter-error');
    expect(errors?.map(({ value }) => String(value))).toEqual(['first', 'no such field']);
  });

  it('limits the reason in bytes without splitting a character', () => {
    const reason = new Error(`x${'ö'.repeat(1_000_000)}`);
    const [first, shorter] = versions({ ...letter, reason });
    expect(text(first, 'dead-letter-error')).toBe(`x${'ö'.repeat(499)}`);
    expect(text(shorter, 'dead-letter-error')).toBe(`x${'ö'.repeat(49)}`);
  });

  it('omits more in each version, and adds size and hash of the omitted parts', () => {
    const all = versions(letter);
    const retained = all.map(({ key, value, headers }) => [key !== null, value !== null, headers.length]);
    expect(retained).toEqual([
      [true, true, 13],
      [true, true, 13],
      [true, true, 8],
      [true, false, 15],
      [false, false, 13],
    ]);
    expect(text(all[3], 'dead-letter-value-bytes')).toBe('2');
    // Of the bytes ff 00, by sha256sum.
    expect(text(all[3], 'dead-letter-value-sha256')).toBe(
      'ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f',
    );
    expect(text(all[4], 'dead-letter-key-bytes')).toBe('6');
  });

  it('does not state a size for the value of a tombstone', () => {
    const all = versions({ ...letter, record: recordWith([], { value: null }) });
    expect(all.every(({ value }) => value === null)).toBe(true);
    expect(text(all.at(-1), 'dead-letter-value-bytes')).toBeUndefined();
  });
});

describe('deadLetterVersions of a batch', () => {
  const batch = {
    kind: 'batch' as const,
    topic: 'a',
    partition: 3,
    baseOffset: 7n,
    lastOffset: 9n,
    reason: new UndecodableBatchError('MALFORMED', 'nonsense'),
    sha256: 'ab',
    groupId: 'g',
  };

  it('has the batch as its value, then only its offsets and hash', () => {
    const [first, second, none] = versions({ ...batch, bytes: Buffer.from('raw') });
    expect(String(first?.value)).toBe('raw');
    expect(second?.value).toBeNull();
    expect(none).toBeUndefined();
    expect(texts(second!)).toEqual([
      ['dead-letter-id', 'a/3/7/g/ab'],
      ['dead-letter-topic', 'a'],
      ['dead-letter-partition', '3'],
      ['dead-letter-offset', '7'],
      ['dead-letter-last-offset', '9'],
      ['dead-letter-group', 'g'],
      ['dead-letter-error-name', 'UndecodableBatchError'],
      ['dead-letter-error', 'nonsense'],
      ['dead-letter-batch-sha256', 'ab'],
    ]);
  });

  it('has no value if the batch was too large to keep', () => {
    expect(versions({ ...batch, bytes: null })).toHaveLength(1);
  });
});

describe('readDeadLetter', () => {
  it('returns the origin, and the own headers without those that were added', () => {
    const [first] = versions(letter);
    expect(readDeadLetter(stored(first!))).toEqual({
      id: 'a/3/42/g/1700000000000',
      topic: 'a',
      partition: 3,
      offset: 42n,
      lastOffset: undefined,
      groupId: 'g',
      attempts: 6,
      errorName: 'TypeError',
      error: 'no such field',
      timestampMs: 1_700_000_000_000,
      headers: OWN,
      omittedValue: undefined,
      omittedKey: undefined,
    });
  });

  it('has the same id in every version of a dead letter, and another one for another group or recreated topic', () => {
    const ids = (dead: DeadLetter) => versions(dead, 5).map((one) => readDeadLetter(stored(one))?.id);
    expect(new Set(ids(letter)).size).toBe(1);
    const recreated = { ...letter, record: recordWith(OWN, { timestampMs: 1 }) };
    expect(new Set([letter, { ...letter, groupId: 'h' }, recreated].flatMap(ids)).size).toBe(3);
  });

  it('returns the latest origin of a record that was dead-lettered twice', () => {
    const [first] = versions(letter);
    const [second] = versions({
      ...letter,
      topic: 'dead',
      partition: 0,
      record: stored(first!),
      groupId: 'again',
    });
    const origin = readDeadLetter(stored(second!));
    expect(origin).toMatchObject({ topic: 'dead', groupId: 'again' });
    expect(origin?.headers).toEqual(first!.headers);
  });

  it('returns what was omitted', () => {
    const last = versions(letter).at(-1);
    expect(readDeadLetter(stored(last!))).toMatchObject({
      omittedValue: { sizeBytes: 2 },
      omittedKey: { sizeBytes: 6 },
      headers: [],
    });
  });

  it('returns undefined for a record that is not a dead letter', () => {
    expect(readDeadLetter(recordWith())).toBeUndefined();
    expect(readDeadLetter(recordWith([header('dead-letter-topic', 'a')]))).toBeUndefined();
  });
});
