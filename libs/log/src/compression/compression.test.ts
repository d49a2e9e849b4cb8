import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec, pack, unpack, UnpackError } from './compression.js';
import { unpackFrames } from './zstd.js';
import { isBatchIntact } from '../protocol/record-batch.js';
import { readableRecordsOf } from '../protocol/records.js';

/** One record, `key3` = `value value value value 3`, as Kafka 4.3's Java producer encodes it with each codec. */
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
/** A snappy block of the same records without xerial framing, as librdkafka encodes it. */
const RAW_SNAPPY = '243c46000000086b6579333276616c756520460600043300';
const LIMIT = 1 << 20;
const CODECS = Object.entries(Codec);

/** 98,047 sequences without literals and with a match of at least 65,539 bytes, in nine bytes. */
const ENDLESS_BLOCK: ZstdBlock = { kind: 2, bytes: [0x00, 0xff, 0xff, 0xff, 0x54, 0, 0, 52, 0x01] };
/** Short inputs for which a decoder without checks needs hours or gigabytes. */
const HOSTILE = [
  {
    name: 'gzip of 100 MB',
    codec: Codec.GZIP,
    packed: gzipSync(Buffer.alloc(100e6)),
    code: 'TOO_LARGE',
  },
  { name: 'invalid gzip', codec: Codec.GZIP, packed: Buffer.from('not gzip at all'), code: 'CORRUPT' },
  {
    name: 'snappy with a declared length of 4 GB',
    codec: Codec.SNAPPY,
    packed: Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]),
    code: 'TOO_LARGE',
  },
  {
    name: 'snappy with a declared length of 60 MB in seven bytes',
    codec: Codec.SNAPPY,
    packed: Buffer.from([0x80, 0x8e, 0xce, 0x1c, 0, 0, 0]),
    code: 'CORRUPT',
  },
  {
    name: 'a snappy literal with a negative length',
    codec: Codec.SNAPPY,
    packed: Buffer.from([0x20, 0xfc, 0xfa, 0xff, 0xff, 0xff]),
    code: 'CORRUPT',
  },
  {
    name: 'snappy with less data than declared',
    codec: Codec.SNAPPY,
    packed: Buffer.from([0x20, 0x00, 0x61]),
    code: 'CORRUPT',
  },
  {
    name: 'an lz4 frame in the legacy format',
    codec: Codec.LZ4,
    packed: Buffer.from([0x02, 0x21, 0x4c, 0x18, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    code: 'CORRUPT',
  },
  {
    name: 'zstd with a window of 1 GB',
    codec: Codec.ZSTD,
    packed: zstdFrame([ENDLESS_BLOCK], 0xa0),
    code: 'CORRUPT',
  },
  {
    name: 'zstd with many empty blocks and a window of 64 MiB',
    codec: Codec.ZSTD,
    packed: zstdFrame(
      [...Array.from({ length: 300_000 }, () => ({ kind: 0, bytes: [] })), ENDLESS_BLOCK],
      0x80,
    ),
    code: 'CORRUPT',
  },
  { name: 'endless zstd', codec: Codec.ZSTD, packed: zstdFrame([ENDLESS_BLOCK]), code: 'CORRUPT' },
  {
    name: 'zstd with 600 MB of one byte',
    codec: Codec.ZSTD,
    packed: zstdFrame(Array.from({ length: 5_000 }, () => ({ kind: 1, bytes: [0], length: 120_000 }))),
    code: 'TOO_LARGE',
  },
];

describe('compression', () => {
  it.each(Object.entries(FROM_JAVA))('decompresses what the Java producer compresses with %s', (_, hex) => {
    const batch = Buffer.from(hex, 'hex');
    expect(isBatchIntact(batch, 0, batch.length)).toBe(true);
    expect(readableRecordsOf(batch)).toMatchObject([
      { key: Buffer.from('key3'), value: Buffer.from('value value value value 3') },
    ]);
  });

  it('decompresses snappy with and without framing', () => {
    const unpacked = unpack(Codec.SNAPPY, Buffer.from(RAW_SNAPPY, 'hex'));
    expect(unpacked?.subarray(-27).toString('latin1')).toBe('2value value value value 3\0');
  });

  it.each(CODECS)('%s decompresses what it compressed', (_, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(40), (bytes, times) => {
        const records = Buffer.concat(Array.from({ length: times }, () => Buffer.from(bytes)));
        const { codec: packedWith, packed } = pack(codec, records);
        expect(unpack(packedWith, packed)?.equals(records)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it.each(CODECS)('%s decompresses to at most the given size', (_, codec) => {
    const { codec: packedWith, packed } = pack(codec, Buffer.alloc(20 * LIMIT));
    if (packedWith === Codec.NONE) return;
    expect(packed.length).toBeLessThan(2 * LIMIT);
    expect(() => unpack(packedWith, packed, LIMIT)).toThrow(UnpackError);
  });

  it.each(Object.entries(FROM_JAVA))('reports damaged %s as an error', (_, hex) => {
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

  it('decompresses zstd frames with raw, repeated and skippable blocks', () => {
    const frame = zstdFrame([
      { kind: 0, bytes: [1, 2, 3] },
      { kind: 1, bytes: [7], length: 300_000 },
    ]);
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]);
    const expected = Buffer.concat([Buffer.from([1, 2, 3]), Buffer.alloc(300_000, 7)]);
    const unpacked = unpackFrames(Buffer.concat([skipped, frame, frame]), LIMIT);
    expect(unpacked.equals(Buffer.concat([expected, expected]))).toBe(true);
    expect(unpackFrames(Buffer.from(FROM_JAVA.zstd, 'hex').subarray(61), LIMIT)).toEqual(
      unpack(
        Codec.NONE,
        Buffer.from(`46000000086b6579333276616c75652076616c75652076616c75652076616c7565203300`, 'hex'),
      ),
    );
  });

  // The largest takes about a second on an idle machine and much longer on a busy one.
  it.each(HOSTILE)(
    'refuses $name within little time and memory',
    { timeout: 60_000 },
    ({ codec, packed, code }) => {
      const before = process.memoryUsage();
      let thrown: unknown;
      try {
        unpack(codec, packed);
        if (codec === Codec.ZSTD) unpackFrames(packed, LIMIT);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(UnpackError);
      expect(thrown).toMatchObject({ code });
      const after = process.memoryUsage();
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(80 << 20);
    },
  );
});

interface ZstdBlock {
  /** 0: raw, 1: a repeated byte, 2: compressed. */
  readonly kind: number;
  readonly bytes: readonly number[];
  /** The decompressed size, if it differs from the number of bytes. */
  readonly length?: number;
}

/** A frame with these blocks. The window is 2 MiB unless the descriptor declares another one. */
function zstdFrame(blocks: readonly ZstdBlock[], window = 0x58): Buffer {
  const parts = blocks.map(({ kind, bytes, length = bytes.length }, i) => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((i === blocks.length - 1 ? 1 : 0) | (kind << 1) | (length << 3), 0, 3);
    return Buffer.concat([header, Buffer.from(bytes)]);
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, window]), ...parts]);
}
