import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec, unpack } from '../compression/compression.js';
import { BatchEncoder, type EncodableRecord } from './batch-encoder.js';
import { NumberedHeaders } from './numbered-headers.js';
import { BATCH_HEADER_BYTES, checkProducedBatch, codecOf, readBatchHeader } from './record-batch.js';
import { RecordCursor } from './record-cursor.js';
import { readRecords, recordsOf } from './records.js';

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each)));
const headers = fc.array(
  fc.record({ key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '7')), value: bytes }),
  { maxLength: 5 },
);
const timestampMs = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_200 }),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, 2 ** 63, -(2 ** 63), 1e300, 0.5),
);
const record: fc.Arbitrary<EncodableRecord> = fc.record({ key: bytes, value: bytes, timestampMs, headers });

const PLAIN = { attributes: 0, producerId: -1n, producerEpoch: -1, baseSequence: -1 };

function encode(records: readonly EncodableRecord[], codec?: number): Buffer {
  const encoder = new BatchEncoder();
  for (const each of records) encoder.add(each);
  return encoder.finish(PLAIN, codec);
}

/** Timestamp as the protocol has it. */
function toInt64(ms: number): bigint {
  const max = 2n ** 63n - 1n;
  const whole = BigInt(Math.trunc(ms));
  if (whole > max) return max;
  return whole < -max - 1n ? -max - 1n : whole;
}

describe(BatchEncoder, () => {
  it('encodes records as specified', () => {
    const batch = encode([
      {
        timestampMs: 1_000,
        key: null,
        value: Buffer.from('v'),
        headers: [
          { key: 'ä', value: null },
          { key: 'n', value: Buffer.alloc(0) },
        ],
      },
      { timestampMs: 1_300, key: Buffer.from('k'), value: null, headers: [] },
      { timestampMs: 999, key: null, value: null, headers: [] },
    ]);
    expect(batch.subarray(BATCH_HEADER_BYTES).toString('hex')).toBe(
      // length 14 · attributes · delta 0 · offset 0 · null · 'v' · 2 headers: 'ä' null, 'n' ''
      '1c' +
        '00' +
        '00' +
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
        '00' +
        // length 6 · attributes · delta -1 · offset 2 · null · null · none
        '0c' +
        '00' +
        '01' +
        '04' +
        '01' +
        '01' +
        '00',
    );
    expect(readBatchHeader(batch)).toMatchObject({
      baseTimestamp: 1_000n,
      maxTimestamp: 1_300n,
      count: 3,
      lastOffset: 2n,
    });
  });

  it('encodes batches that the broker accepts and both decoders read', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 150 }), (records) => {
        const batch = encode(records);
        const { baseTimestamp, maxTimestamp } = checkProducedBatch(batch, batch.length);
        const times = records.map((each) => toInt64(each.timestampMs));
        expect(baseTimestamp).toBe(times[0]);
        expect(maxTimestamp).toBe(times.reduce((max, each) => (each > max ? each : max)));
        const expected = records.map(({ key, value, headers: own }, offsetDelta) => ({
          key,
          value,
          headers: own,
          offsetDelta,
          timestampDelta: BigInt.asIntN(64, times[offsetDelta]! - baseTimestamp),
        }));
        const encoded = batch.subarray(BATCH_HEADER_BYTES);
        expect(readRecords(encoded, records.length)).toEqual(expected);
        const cursor = new RecordCursor(encoded);
        for (const each of expected) {
          cursor.advance();
          const { key, value, offsetDelta } = cursor;
          const timestampDelta = BigInt(cursor.timestampDelta);
          expect({ key, value, offsetDelta, timestampDelta, headers: cursor.headers() }).toEqual(each);
        }
        expect(cursor.isAtEnd).toBe(true);
      }),
    );
  });

  it('copies encoded keys and values, and appends encoded headers', () => {
    const numbered = new NumberedHeaders([{ key: 'a', value: Buffer.from('1') }], 'n');
    const entry = fc.tuple(record, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), (entries) => {
        const source = new RecordCursor(encode(entries.map(([each]) => each)).subarray(BATCH_HEADER_BYTES));
        const encoder = new BatchEncoder();
        for (const [{ headers, timestampMs }, number] of entries) {
          source.advance();
          encoder.addEncoded(source, timestampMs, headers, numbered.set(number));
        }
        const copies = recordsOf(encoder.finish(PLAIN));
        expect(copies.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(
          entries.map(([{ key, value, headers }, number]) => ({
            key,
            value,
            headers: [
              ...headers,
              { key: 'a', value: Buffer.from('1') },
              { key: 'n', value: Buffer.from(String(number)) },
            ],
          })),
        );
      }),
    );
  });

  it('has the producer in the header', () => {
    const encoder = new BatchEncoder();
    encoder.add({ key: null, value: null, headers: [], timestampMs: 5 });
    const fields = { attributes: 0x10, producerId: 7n, producerEpoch: 3, baseSequence: 40 };
    expect(checkProducedBatch(encoder.finish(fields), 1_000)).toMatchObject(fields);
  });

  it('encodes the next batch after a reset', () => {
    const encoder = new BatchEncoder();
    const add = (value: string) =>
      encoder.add({ key: null, value: Buffer.from(value), headers: [], timestampMs: value.length });
    add('x'.repeat(100_000));
    add('y');
    encoder.reset();
    add('z');
    const batch = encoder.finish(PLAIN);
    expect(recordsOf(batch).map(({ value }) => String(value))).toEqual(['z']);
    expect(readBatchHeader(batch)).toMatchObject({ baseTimestamp: 1n, maxTimestamp: 1n });
  });

  it('compresses a batch unless that makes it larger', () => {
    const text = { key: null, headers: [], timestampMs: 1 };
    const large = encode([{ ...text, value: Buffer.alloc(1_000) }], Codec.GZIP);
    const header = checkProducedBatch(large, 200);
    expect(codecOf(header.attributes)).toBe(Codec.GZIP);
    const records = unpack(Codec.GZIP, large.subarray(BATCH_HEADER_BYTES));
    expect(readRecords(records!, 1)[0]!.value).toEqual(Buffer.alloc(1_000));
    const small = encode([{ ...text, value: Buffer.from('v') }], Codec.GZIP);
    expect(codecOf(checkProducedBatch(small, 200).attributes)).toBe(Codec.NONE);
  });
});
