import * as zlib from 'node:zlib';
import { packLz4, unpackLz4 } from './lz4.js';
import { packSnappy, unpackSnappy } from './snappy.js';
import { UnpackError } from './unpack-error.js';
import { packZstd, unpackZstd } from './zstd.js';

export { UnpackError } from './unpack-error.js';

/** Compression codecs, as numbered in the attributes of a batch. */
export const Codec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const;

/**
 * Maximum decompressed size of the records of one batch: 64 times the default of `max.message.bytes`. The broker does
 * not store a larger batch, and the client does not decode one.
 */
export const MAX_UNPACKED_BYTES = 64 << 20;

/** Error code of Node's zlib if the output exceeds its maximum length. */
const OUTPUT_TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';

/**
 * Decompresses the records of a batch. Memory is proportional to the output, at most `maxBytes`, and independent of
 * lengths that `packed` declares. Time is proportional to input and output.
 *
 * @returns undefined if no decoder for the codec is available on this machine
 * @throws UnpackError if the data is invalid or decompresses to more than `maxBytes`
 */
export function unpack(codec: number, packed: Buffer, maxBytes = MAX_UNPACKED_BYTES): Buffer | undefined {
  try {
    switch (codec) {
      case Codec.NONE:
        return packed;
      case Codec.GZIP:
        return zlib.gunzipSync(packed, { maxOutputLength: maxBytes });
      case Codec.SNAPPY:
        return unpackSnappy(packed, maxBytes);
      case Codec.LZ4:
        return unpackLz4(packed, maxBytes);
      case Codec.ZSTD:
        return unpackZstd(packed, maxBytes);
      default:
        return undefined;
    }
  } catch (cause) {
    if (cause instanceof UnpackError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === OUTPUT_TOO_LARGE) {
      throw new UnpackError(`records decompress to more than ${maxBytes} bytes`, 'TOO_LARGE', { cause });
    }
    throw new UnpackError(`records cannot be decompressed with codec ${codec}`, 'CORRUPT', { cause });
  }
}

/**
 * Compresses records.
 * @returns the codec that was used: gzip if no encoder for the requested codec is available on this machine
 */
export function pack(codec: number, records: Buffer): { codec: number; packed: Buffer } {
  if (codec === Codec.NONE) return { codec, packed: records };
  if (codec === Codec.SNAPPY) return { codec, packed: packSnappy(records) };
  const packed =
    codec === Codec.LZ4 ? packLz4(records) : codec === Codec.ZSTD ? packZstd(records) : undefined;
  if (packed !== undefined) return { codec, packed };
  return { codec: Codec.GZIP, packed: zlib.gzipSync(records) };
}
