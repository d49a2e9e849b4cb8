import kafkajs from 'kafkajs';
import { Codec, pack, unpack, UnpackError } from '../../compression/compression.js';

/** Compression types of record batches, by Kafka's names. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

const CODECS: Readonly<Record<Compression, number>> = {
  none: Codec.NONE,
  gzip: Codec.GZIP,
  snappy: Codec.SNAPPY,
  lz4: Codec.LZ4,
  zstd: Codec.ZSTD,
};

/** Registers the codecs that kafkajs does not have and that other producers or the broker may use. */
for (const codec of [Codec.SNAPPY, Codec.LZ4, Codec.ZSTD]) {
  kafkajs.CompressionCodecs[codec] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => pack(codec, buffer).packed,
    decompress: async (packed: Buffer) => unpackOrThrow(codec, packed),
  });
}

/** Number of the codec in the attributes of a record batch. */
export function codecOf(compression: Compression): number {
  return CODECS[compression];
}

/** Whether batches can be compressed with it: zstd requires Node 22.15, lz4 a platform for which its package is built. */
export function canCompress(compression: Compression): boolean {
  return pack(codecOf(compression), Buffer.alloc(1)).codec === codecOf(compression);
}

function unpackOrThrow(codec: number, packed: Buffer): Buffer {
  const unpacked = unpack(codec, packed);
  if (unpacked !== undefined) return unpacked;
  throw new UnpackError(`codec ${codec} is not available here`);
}
