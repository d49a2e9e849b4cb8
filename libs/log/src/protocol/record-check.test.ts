import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRecords, MalformedRecordsError, MAX_RECORD_FAULTS } from './record-check.js';
import { readRecords, writeRecords, type BatchRecord } from './records.js';

const ANY = { needsKeys: false, timestamps: undefined };
const BASE = 1_700_000_000_000n;

const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each));
const record = fc.record({
  timestampDelta: fc.oneof(
    fc.bigInt({ min: -1_000n, max: 1_000n }),
    fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  ),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: fc.option(bytes) }), {
    maxLength: 4,
  }),
});
const batch = fc
  .array(record, { minLength: 1, maxLength: 20 })
  .map((records) => records.map((each, offsetDelta): BatchRecord => ({ ...each, offsetDelta })));

function plain(change: Partial<BatchRecord>[] = [{}]): Buffer {
  return writeRecords(
    change.map((each, offsetDelta) => ({
      offsetDelta,
      timestampDelta: 0n,
      key: null,
      value: Buffer.from('v'),
      headers: [],
      ...each,
    })),
  );
}

/** A zigzag varint with at least this number of bytes: the last ones are zero if it needs fewer. */
function varint(value: bigint, leastBytes: number): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const encoded: number[] = [];
  while (rest > 0n || encoded.length < Math.max(leastBytes, 1)) {
    encoded.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from(encoded.with(-1, (encoded.at(-1) as number) & 0x7f));
}

/** Encodes records with the least length of each varint in turn. */
function encodeWith(records: readonly BatchRecord[], leastBytes: () => number): Buffer {
  const number = (value: number | bigint) => varint(BigInt(value), leastBytes());
  const field = (part: Buffer | null) => Buffer.concat([number(part?.length ?? -1), part ?? Buffer.alloc(0)]);
  return Buffer.concat(
    records.flatMap(({ timestampDelta, offsetDelta, key, value, headers }) => {
      const content = Buffer.concat([
        Buffer.from([0]),
        number(timestampDelta),
        number(offsetDelta),
        field(key),
        field(value),
        number(headers.length),
        ...headers.flatMap((header) => [field(Buffer.from(header.key)), field(header.value)]),
      ]);
      return [number(content.length), content];
    }),
  );
}

describe('checkRecords', () => {
  it('accepts encoded records and returns their largest timestamp', () => {
    fc.assert(
      fc.property(batch, (records) => {
        const check = checkRecords(
          writeRecords(records),
          { count: records.length, baseTimestamp: BASE },
          ANY,
        );
        const timestamps = records.map(({ timestampDelta }) => BASE + timestampDelta);
        const largest = timestamps.reduce((max, each) => (each > max ? each : max), -1n);
        expect(check).toEqual({ maxTimestamp: largest, faults: [], faultCount: 0 });
      }),
    );
  });

  it('returns the same whatever number of bytes varints have', () => {
    const rules = { needsKeys: true, timestamps: { earliest: BASE - 500n, latest: BASE + 500n } };
    const lengths = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(batch, lengths, (records, leastBytes) => {
        let next = 0;
        const header = { count: records.length, baseTimestamp: BASE };
        const padded = encodeWith(records, () => leastBytes[next++ % leastBytes.length] as number);
        const longest = encodeWith(records, () => 5);
        const check = checkRecords(longest, header, rules);
        expect(checkRecords(padded, header, rules)).toEqual(check);
        expect(checkRecords(writeRecords(records), header, rules)).toEqual(check);
      }),
    );
  });

  it('distinguishes timestamps that are equal as floating-point numbers', () => {
    const large = 2n ** 62n;
    const records = plain([
      { timestampDelta: large - 2n },
      { timestampDelta: large - 1n },
      { timestampDelta: large - 2n },
    ]);
    const { maxTimestamp } = checkRecords(records, { count: 3, baseTimestamp: BASE }, ANY);
    expect(maxTimestamp).toBe(BASE + large - 1n);
  });

  it('refuses everything that decoders do not read as the same number of records', () => {
    fc.assert(
      fc.property(
        batch,
        fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
          minLength: 1,
          maxLength: 4,
        }),
        (records, changes) => {
          const damaged = writeRecords(records);
          for (const { at, byte } of changes) damaged[at % damaged.length] = byte;
          try {
            checkRecords(damaged, { count: records.length, baseTimestamp: BASE }, ANY);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedRecordsError);
            return;
          }
          const read = readRecords(damaged, records.length);
          expect(read.map(({ offsetDelta }) => offsetDelta)).toEqual([...records.keys()]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a count larger than the number of records', plain([{}, {}]), 3],
    ['a count of one billion', plain(), 1_000_000_000],
    ['a count smaller than the number of records', plain([{}, {}]), 1],
    ['a byte after the records', Buffer.concat([plain(), Buffer.from([0])]), 1],
    ['a gap between offsets', plain([{}, { offsetDelta: 2 }]), 2],
    ['a repeated offset', plain([{}, { offsetDelta: 0 }]), 2],
    ['decreasing offsets', plain([{ offsetDelta: 1 }, { offsetDelta: 0 }]), 2],
    ['a key longer than its record', Buffer.from([0x0c, 0, 0, 0, 0x7e, 0, 0]), 1],
    ['a million headers', Buffer.from([0x10, 0, 0, 0, 1, 1, 0x80, 0x89, 0x7a]), 1],
    ['a negative number of headers', Buffer.from([0x0c, 0, 0, 0, 1, 1, 1]), 1],
    ['a header with a null key', Buffer.from([0x10, 0, 0, 0, 1, 1, 2, 1, 1]), 1],
    ['bytes after the headers', Buffer.from([0x0e, 0, 0, 0, 1, 1, 0, 0]), 1],
    ['a negative length', Buffer.from([0x01]), 1],
    ['an unterminated length', Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80]), 1],
    ['nothing', Buffer.alloc(0), 1],
  ])('refuses %s', (_, records, count) => {
    expect(() => checkRecords(records, { count, baseTimestamp: BASE }, ANY)).toThrow(MalformedRecordsError);
  });

  it('returns the records without a key and those with a timestamp out of range', () => {
    const rules = { needsKeys: true, timestamps: { earliest: BASE - 10n, latest: BASE + 10n } };
    const key = Buffer.from('k');
    const records = plain([
      { key, timestampDelta: 10n },
      { key, timestampDelta: 11n },
      { timestampDelta: 0n },
      { key, timestampDelta: -11n },
      { key, timestampDelta: -1n - BASE },
      { key, timestampDelta: 2n ** 61n },
    ]);
    const { faults, faultCount } = checkRecords(records, { count: 6, baseTimestamp: BASE }, rules);
    expect(faultCount).toBe(4);
    expect(faults).toEqual([
      { kind: 'timestamp', batchIndex: 1, timestamp: BASE + 11n },
      { kind: 'no-key', batchIndex: 2, timestamp: 0n },
      { kind: 'timestamp', batchIndex: 3, timestamp: BASE - 11n },
      { kind: 'timestamp', batchIndex: 5, timestamp: BASE + 2n ** 61n },
    ]);
  });

  it('returns at most the maximum number of records', () => {
    const count = MAX_RECORD_FAULTS + 5;
    const records = plain(Array.from({ length: count }, () => ({})));
    const check = checkRecords(records, { count, baseTimestamp: BASE }, { ...ANY, needsKeys: true });
    expect([check.faults.length, check.faultCount]).toEqual([MAX_RECORD_FAULTS, count]);
  });
});
