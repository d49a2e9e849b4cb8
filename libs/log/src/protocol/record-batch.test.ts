import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, crc32cPlain } from './crc32c.js';
import { ErrorCode, type ProtocolError } from './error-codes.js';
import {
  checkProducedBatch,
  isBatchIntact,
  readBatchHeader,
  sealBatch,
  setBaseOffset,
  setLogAppendTime,
} from './record-batch.js';
import { makeRecordBatch, recordsOf } from './records.js';

/*
 * One record, key "k", value "v", timestamp 1000, of producer 7, epoch 1, sequence 3; field by field as the protocol
 * guide has them.
 */
const BATCH = Buffer.from(
  [
    '0000000000000005', // base offset 5
    '0000003a', // 58 bytes follow
    '00000000', // leader epoch
    '02', // magic
    '00000000', // CRC, set below
    '0000', // attributes
    '00000000', // last offset delta
    '00000000000003e8', // base timestamp
    '00000000000003e8', // largest timestamp
    '0000000000000007', // producer id
    '0001', // producer epoch
    '00000003', // base sequence
    '00000001', // one record:
    '10 00 00 00', // 8 bytes, attributes, timestamp delta, offset delta
    '02 6b 02 76 00', // key, value, no headers
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);
sealBatch(BATCH);
const MAX_BYTES = 1_000_000;

const refusalOf = (batch: Buffer) => {
  try {
    checkProducedBatch(batch, MAX_BYTES);
    return ErrorCode.NONE;
  } catch (error) {
    return (error as ProtocolError).code;
  }
};
const changed = (change: (batch: Buffer) => void, seal = true) => {
  const copy = Buffer.from(BATCH);
  change(copy);
  if (seal) sealBatch(copy);
  return copy;
};
const ofNobody = (batch: Buffer) => {
  batch.writeInt16BE(0x10, 21);
  batch.writeBigInt64BE(-1n, 43);
};

describe('crc32c', () => {
  it('is that of RFC 3720', () => {
    for (const crc of [crc32c, crc32cPlain]) {
      expect(crc(Buffer.alloc(32))).toBe(0x8a9136aa);
      expect(crc(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
      expect(crc(Buffer.from('123456789'))).toBe(0xe3069283);
    }
  });

  it('is the same in native code and in JavaScript', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32c(bytes) === crc32cPlain(bytes)));
  });
});

describe('a record batch', () => {
  it('is decoded field by field', () => {
    expect(readBatchHeader(BATCH)).toEqual({
      baseOffset: 5n,
      lastOffset: 5n,
      sizeBytes: BATCH.length,
      attributes: 0,
      baseTimestamp: 1000n,
      maxTimestamp: 1000n,
      producerId: 7n,
      producerEpoch: 1,
      baseSequence: 3,
      count: 1,
      transactional: false,
      control: false,
    });
    expect(recordsOf(BATCH)).toMatchObject([{ key: Buffer.from('k'), value: Buffer.from('v'), headers: [] }]);
  });

  it('is accepted', () => {
    expect(refusalOf(BATCH)).toBe(ErrorCode.NONE);
  });

  it.each([
    ['truncated', BATCH.subarray(0, BATCH.length - 1), 'CORRUPT_MESSAGE'],
    ['not a batch', BATCH.subarray(0, 20), 'CORRUPT_MESSAGE'],
    ['nothing', Buffer.alloc(0), 'INVALID_RECORD'],
    ['two batches', Buffer.concat([BATCH, BATCH]), 'INVALID_RECORD'],
    ['a flipped bit', changed((b) => b.writeUInt8(0x77, b.length - 2), false), 'CORRUPT_MESSAGE'],
    ['an old magic byte', changed((b) => b.writeInt8(1, 16)), 'INVALID_RECORD'],
    ['a wrong count', changed((b) => b.writeInt32BE(2, 57)), 'INVALID_RECORD'],
    ['no records', changed((b) => b.writeInt32BE(0, 57)), 'INVALID_RECORD'],
    ['a control batch', changed((b) => b.writeInt16BE(0x20, 21)), 'INVALID_RECORD'],
    ['a transaction without a producer id', changed(ofNobody), 'INVALID_RECORD'],
    ['codec 5', changed((b) => b.writeInt16BE(5, 21)), 'UNSUPPORTED_COMPRESSION_TYPE'],
    ['no sequence number', changed((b) => b.writeInt32BE(-1, 53)), 'INVALID_RECORD'],
  ] as const)('is refused: %s', (_, batch, code) => {
    expect(refusalOf(batch)).toBe(ErrorCode[code]);
  });

  it('is refused if it exceeds the maximum size of the topic', () => {
    expect(() => checkProducedBatch(BATCH, BATCH.length - 1)).toThrow(
      expect.objectContaining({ code: ErrorCode.MESSAGE_TOO_LARGE }),
    );
  });

  it('keeps its CRC when its base offset is set, and gets a new one with the append time', () => {
    const batch = Buffer.from(BATCH);
    setBaseOffset(batch, 99n, 3);
    expect(isBatchIntact(batch, 0, batch.length)).toBe(true);
    setLogAppendTime(batch, 5000n);
    expect(isBatchIntact(batch, 0, batch.length)).toBe(true);
    expect(readBatchHeader(batch)).toMatchObject({ baseOffset: 99n, maxTimestamp: 5000n, attributes: 8 });
  });

  it('contains the records that it was built from', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 2000 }).map((each) => Buffer.from(each)));
    fc.assert(
      fc.property(fc.array(fc.record({ key: bytes, value: bytes }), { minLength: 1 }), (entries) => {
        const batch = makeRecordBatch(entries, 5n);
        expect(refusalOf(batch)).toBe(ErrorCode.NONE);
        expect(recordsOf(batch).map(({ key, value }) => ({ key, value }))).toEqual(entries);
      }),
    );
  });
});
