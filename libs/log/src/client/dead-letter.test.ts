import { describe, expect, it } from 'vitest';
import { deadLetterMessage } from './dead-letter.js';
import { toLogRecord } from './log-record.js';

const record = toLogRecord({
  key: Buffer.from('device'),
  value: Buffer.from([0xff, 0x00]),
  timestamp: '1700000000000',
  attributes: 0,
  offset: '42',
  headers: { 'content-type': Buffer.from('x'), tag: [Buffer.from('1'), Buffer.from('2')] },
});
const letter = {
  topic: 'a',
  partition: 3,
  record,
  reason: new TypeError('no such field'),
  attempts: 6,
  groupId: 'g',
};

describe('deadLetterMessage', () => {
  it("leaves the record's own key, value and headers as they were, those that repeat too", () => {
    const { key, value, headers } = deadLetterMessage(letter, 0);
    expect(key).toBe(record.key);
    expect(value).toBe(record.value);
    expect(headers).toMatchObject({
      'content-type': Buffer.from('x'),
      tag: [Buffer.from('1'), Buffer.from('2')],
    });
  });

  it('says from where the record comes, why it is here and how often it was tried', () => {
    expect(deadLetterMessage(letter, 1_700_000_001_000)).toMatchObject({
      timestamp: '1700000001000',
      headers: {
        'dead-letter-topic': 'a',
        'dead-letter-partition': '3',
        'dead-letter-offset': '42',
        'dead-letter-timestamp': '1700000000000',
        'dead-letter-group': 'g',
        'dead-letter-attempts': '6',
        'dead-letter-error-name': 'TypeError',
        'dead-letter-error': 'no such field',
      },
    });
  });

  it('keeps what was said where the record has been a dead letter before', () => {
    const again = { ...record, headers: { 'dead-letter-error': Buffer.from('first') } };
    expect(deadLetterMessage({ ...letter, record: again }, 0).headers?.['dead-letter-error']).toEqual([
      Buffer.from('first'),
      'no such field',
    ]);
  });

  it('keeps the reason short enough for the record to fit where it did', () => {
    const message = deadLetterMessage({ ...letter, reason: new Error('x'.repeat(1_000_000)) }, 0);
    expect(String(message.headers?.['dead-letter-error'])).toHaveLength(1_000);
  });
});
