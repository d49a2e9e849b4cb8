import kafkajs from 'kafkajs';
import { Codec, pack, unpack, UnpackError } from '../../compression/compression.js';
import type { Compression } from '../shared/compression.js';

const CODECS: Readonly<Record<Compression, number>> = {
  none: Codec.NONE,
  gzip: Codec.GZIP,
  snappy: Codec.SNAPPY,
  lz4: Codec.LZ4,
  zstd: Codec.ZSTD,
};

/** kafkajs has gzip; the others, which any other producer or the broker itself may use, are given to it here. */
for (const codec of [Codec.SNAPPY, Codec.LZ4, Codec.ZSTD]) {
  kafkajs.CompressionCodecs[codec] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => pack(codec, buffer).packed,
    decompress: async (packed: Buffer) => unpackOrThrow(codec, packed),
  });
}

/** The codec's number, as kafkajs asks for it. */
export function codecOf(compression: Compression): number {
  return CODECS[compression];
}

/** Whether this machine can write it: zstd takes Node 22.15, lz4 a platform that its package was built for. */
export function canCompress(compression: Compression): boolean {
  return pack(codecOf(compression), Buffer.alloc(1)).codec === codecOf(compression);
}

function unpackOrThrow(codec: number, packed: Buffer): Buffer {
  const unpacked = unpack(codec, packed);
  if (unpacked !== undefined) return unpacked;
  throw new UnpackError(`nothing on this machine reads codec ${codec}`);
}
