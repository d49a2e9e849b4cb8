import { describe, expect, it } from 'vitest';
import { RecordCopies } from './record-copies.js';

describe('RecordCopies', () => {
  it('copies keys and values, including missing and empty ones', () => {
    const lent = Buffer.from('keyvalue');
    const copies = new RecordCopies([
      { offset: 7n, key: lent.subarray(0, 3), value: lent.subarray(3), headers: {}, timestampMs: 1 },
      { offset: 8n, key: null, value: Buffer.alloc(0), headers: {}, timestampMs: 2 },
      { offset: 10n, key: Buffer.alloc(0), value: null, headers: {}, timestampMs: 3 },
    ]);
    lent.fill(0);
    expect(copies.at(0)).toEqual({
      offset: 7n,
      timestampMs: 1,
      key: Buffer.from('key'),
      value: Buffer.from('value'),
    });
    expect(copies.at(1)).toEqual({ offset: 8n, timestampMs: 2, key: null, value: Buffer.alloc(0) });
    expect(copies.at(2)).toEqual({ offset: 10n, timestampMs: 3, key: Buffer.alloc(0), value: null });
    expect(copies.offsetAt(2)).toBe(10n);
  });
});
