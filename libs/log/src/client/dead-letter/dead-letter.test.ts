import { describe, expect, it } from 'vitest';
import { RecordCursor } from '../../protocol/record-cursor.js';
import { writeRecords } from '../../protocol/records.js';
import type { OutgoingMessage } from '../kafkajs/produce.js';
import { type LogRecord, makeLogRecord } from '../record/record.js';
import { UndecodableBatchError } from '../shared/errors.js';
import { deadBatchMessages, deadLetterMessages } from './dead-letter.js';

const header = (key: string, value: string | null) => ({
  key,
  value: value === null ? null : Buffer.from(value),
});
const OWN = [header('tag', '1'), header('none', null), header('constructor', 'y'), header('tag', null)];

function recordWith(headers = OWN): LogRecord {
  const [key, value] = [Buffer.from('device'), Buffer.from([0xff, 0x00])];
  const cursor = new RecordCursor(
    writeRecords([{ offsetDelta: 0, timestampDelta: 0n, key, value, headers }]),
  );
  cursor.advance();
  return makeLogRecord(cursor, 42n, 1_700_000_000_000);
}

const letter = {
  topic: 'a',
  partition: 3,
  record: recordWith(),
  reason: new TypeError('no such field'),
  attempts: 6,
  groupId: 'g',
};
const texts = ({ headers }: OutgoingMessage) =>
  headers.map(({ key, value }) => [key, value && String(value)]);
const text = (message: OutgoingMessage | undefined, name: string) =>
  message?.headers.findLast(({ key }) => key === name)?.value?.toString();

describe('deadLetterMessages', () => {
  it("keeps the record's key, value and headers as they are: order, repeats, nulls and any name", () => {
    const [first] = deadLetterMessages(letter, 0);
    expect(first).toMatchObject({ key: Buffer.from('device'), value: Buffer.from([0xff, 0x00]) });
    expect(first?.headers.slice(0, OWN.length)).toEqual(OWN);
  });

  it('says where the record comes from, why it is here and how often it was tried', () => {
    const [first] = deadLetterMessages(letter, 1_700_000_001_000);
    expect(first?.timestamp).toBe('1700000001000');
    expect(texts(first!).slice(OWN.length)).toEqual([
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

  it('keeps what was said if the record has been a dead letter before', () => {
    const record = recordWith([header('dead-letter-error', 'first')]);
    const [again] = deadLetterMessages({ ...letter, record }, 0);
    const errors = again?.headers.filter(({ key }) => key === 'dead-letter-error');
    expect(errors?.map(({ value }) => String(value))).toEqual(['first', 'no such field']);
  });

  it('limits the reason in bytes, and ends it with a whole character', () => {
    const reason = new Error(`x${'ö'.repeat(1_000_000)}`);
    const [first, shorter] = deadLetterMessages({ ...letter, reason }, 0);
    expect(text(first, 'dead-letter-error')).toBe(`x${'ö'.repeat(499)}`);
    expect(text(shorter, 'dead-letter-error')).toBe(`x${'ö'.repeat(49)}`);
  });

  it('leaves out more with each attempt, and says what', () => {
    const messages = deadLetterMessages(letter, 0);
    const kept = messages.map(({ key, value, headers }) => [key !== null, value !== null, headers.length]);
    expect(kept).toEqual([
      [true, true, 12],
      [true, true, 12],
      [true, true, 7],
      [true, false, 14],
      [false, false, 12],
    ]);
    expect(text(messages[3], 'dead-letter-value-bytes')).toBe('2');
    // Of the bytes ff 00, by sha256sum.
    expect(text(messages[3], 'dead-letter-value-sha256')).toBe(
      'ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f',
    );
    expect(text(messages[4], 'dead-letter-key-bytes')).toBe('6');
  });

  it('leaves a tombstone a tombstone: nothing says that it had a value', () => {
    const messages = deadLetterMessages({ ...letter, record: { ...recordWith([]), value: null } }, 0);
    expect(messages.every(({ value }) => value === null)).toBe(true);
    expect(text(messages.at(-1), 'dead-letter-value-bytes')).toBeUndefined();
  });
});

describe('deadBatchMessages', () => {
  const batch = {
    topic: 'a',
    partition: 3,
    baseOffset: 7n,
    lastOffset: 9n,
    reason: new UndecodableBatchError('MALFORMED', 'nonsense'),
    sha256: 'ab',
    groupId: 'g',
  };

  it('has the batch as its value, and at last only its place and hash', () => {
    const [first, second, none] = deadBatchMessages({ ...batch, bytes: Buffer.from('raw') }, 0);
    expect(String(first?.value)).toBe('raw');
    expect(second?.value).toBeNull();
    expect(none).toBeUndefined();
    expect(texts(second!)).toEqual([
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

  it('has no value if the batch was too large to be kept', () => {
    expect(deadBatchMessages({ ...batch, bytes: null }, 0)).toHaveLength(1);
  });
});
