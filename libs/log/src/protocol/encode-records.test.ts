import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecords } from './encode-records.js';
import { RecordCursor } from './record-cursor.js';
import { readRecords } from './records.js';

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each)));
const record = fc.record({
  key: bytes,
  value: bytes,
  timestampDelta: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt(-200n, 200n)),
  headers: fc.array(
    fc.record({ key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '7')), value: bytes }),
    { maxLength: 5 },
  ),
});

describe(encodeRecords, () => {
  it('encodes records as specified', () => {
    const encoded = encodeRecords([
      {
        timestampDelta: -1n,
        key: null,
        value: Buffer.from('v'),
        headers: [
          { key: 'ä', value: null },
          { key: 'n', value: Buffer.alloc(0) },
        ],
      },
      { timestampDelta: 300n, key: Buffer.from('k'), value: null, headers: [] },
    ]);
    expect(encoded.toString('hex')).toBe(
      // length 14 · attributes · delta -1 · offset 0 · null · 'v' · 2 headers: 'ä' null, 'n' ''
      '1c' +
        '00' +
        '01' +
        '00' +
        '01' +
        '0276' +
        '04' +
        '04c3a4' +
        '01' +
        '026e' +
        '00' +
        // length 8 · attributes · delta 300 · offset 1 · 'k' · null · none
        '10' +
        '00' +
        'd804' +
        '02' +
        '026b' +
        '01' +
        '00',
    );
  });

  it('encodes records that both decoders read', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 150 }), (records) => {
        const encoded = encodeRecords(records);
        const expected = records.map((each, offsetDelta) => ({ ...each, offsetDelta }));
        expect(readRecords(encoded, records.length)).toEqual(expected);
        const cursor = new RecordCursor(encoded);
        for (const each of expected) {
          cursor.advance();
          const { key, value, offsetDelta, timestampDelta } = cursor;
          expect({ key, value, offsetDelta, timestampDelta, headers: cursor.headers() }).toEqual(each);
        }
        expect(cursor.isAtEnd).toBe(true);
      }),
    );
  });
});
