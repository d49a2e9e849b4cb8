import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec, pack, unpack, UnpackError } from './compression.js';
import { isBatchIntact } from '../protocol/record-batch.js';
import { readableRecordsOf } from '../protocol/records.js';

/** One record, `key3` = `value value value value 3`, as Kafka 4.3's Java producer sends it with each codec. */
const FROM_JAVA = {
  gzip:
    '0000000000000000000000580000000002769c2c40000100000000000001a20545551d000001a20545551d000000000000000000000000000000000001' +
    '1f8b08000000000000ff73636060e0c84ead34362a4bcc294d55c0248d1900fb59698824000000',
  snappy:
    '00000000000000000000005d0000000002f1e9b2af000200000000000001a20545676e000001a20545676e000000000000000100000000000000000001' +
    '82534e4150505900000000010000000100000018243c46000000086b6579333276616c756520460600043300',
  lz4:
    '00000000000000000000005a0000000002f366063a000300000000000001a205457b00000001a205457b00000000000000000200000000000000000001' +
    '04224d186040821a000000fb0146000000086b6579333276616c756520060050756520330000000000',
  zstd:
    '0000000000000000000000550000000002af525804000400000000000001a205459488000001a205459488000000000000000300000000000000000001' +
    '28b52ffd0058c400009046000000086b6579333276616c75652033000100e29525010000',
};
/** The same records' snappy block without xerial's frame, as librdkafka sends it. */
const RAW_SNAPPY = '243c46000000086b6579333276616c756520460600043300';
const LIMIT = 1 << 20;
const CODECS = Object.entries(Codec);

describe('compression', () => {
  it.each(Object.entries(FROM_JAVA))('reads what the Java producer packs with %s', (_, hex) => {
    const batch = Buffer.from(hex, 'hex');
    expect(isBatchIntact(batch, 0, batch.length)).toBe(true);
    expect(readableRecordsOf(batch)).toMatchObject([
      { key: Buffer.from('key3'), value: Buffer.from('value value value value 3') },
    ]);
  });

  it('reads snappy with and without a frame', () => {
    const unpacked = unpack(Codec.SNAPPY, Buffer.from(RAW_SNAPPY, 'hex'));
    expect(unpacked?.subarray(-27).toString('latin1')).toBe('2value value value value 3\0');
  });

  it.each(CODECS)('%s gives back what it packed', (_, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(40), (bytes, times) => {
        const records = Buffer.concat(Array.from({ length: times }, () => Buffer.from(bytes)));
        const { codec: packedWith, packed } = pack(codec, records);
        expect(unpack(packedWith, packed)?.equals(records)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it.each(CODECS)('%s unpacks no more than it is allowed to', (_, codec) => {
    const { codec: packedWith, packed } = pack(codec, Buffer.alloc(20 * LIMIT));
    if (packedWith === Codec.NONE) return;
    expect(packed.length).toBeLessThan(2 * LIMIT);
    expect(() => unpack(packedWith, packed, LIMIT)).toThrow(UnpackError);
  });

  it.each(Object.entries(FROM_JAVA))('never takes damaged %s for a crash', (_, hex) => {
    const batch = Buffer.from(hex, 'hex');
    const codec = batch.readInt16BE(21) & 7;
    fc.assert(
      fc.property(
        fc.nat(batch.length - 62),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, mask, cut) => {
          const damaged = Buffer.from(batch.subarray(61));
          damaged[at] = (damaged[at] as number) ^ mask;
          try {
            unpack(codec, cut ? damaged.subarray(0, at) : damaged, LIMIT);
          } catch (error) {
            expect(error).toBeInstanceOf(UnpackError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
