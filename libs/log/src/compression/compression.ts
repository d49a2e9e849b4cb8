import * as zlib from 'node:zlib';
import { packLz4, unpackLz4 } from './lz4.js';
import { packSnappy, unpackSnappy } from './snappy.js';
import { UnpackError } from './unpack-error.js';
import { packZstd, unpackZstd } from './zstd.js';

export { UnpackError } from './unpack-error.js';

/** How the records of a batch are compressed, by Kafka's numbers. */
export const Codec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const;

/**
 * Most bytes that the records of one batch may unpack to: 64 times what `max.message.bytes` allows by default. Neither
 * the broker stores a batch that has more, nor does the client read it.
 */
export const MAX_UNPACKED_BYTES = 64 << 20;

/** What Node's zlib throws where more comes out than it may return. */
const OUTPUT_TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';

/**
 * Unpacks the records of a batch. Takes memory for what comes out, at most `maxBytes`, never for what `packed`
 * announces, and time in proportion to both.
 *
 * @returns undefined where this machine has nothing that reads the codec
 * @throws UnpackError
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
      throw new UnpackError(`records unpack to more than ${maxBytes} bytes`, 'TOO_LARGE', { cause });
    }
    throw new UnpackError(`records are not what codec ${codec} packs`, 'CORRUPT', { cause });
  }
}

/** Packs records. @returns with which codec: gzip where this machine can't write the one asked for */
export function pack(codec: number, records: Buffer): { codec: number; packed: Buffer } {
  if (codec === Codec.NONE) return { codec, packed: records };
  if (codec === Codec.SNAPPY) return { codec, packed: packSnappy(records) };
  const packed =
    codec === Codec.LZ4 ? packLz4(records) : codec === Codec.ZSTD ? packZstd(records) : undefined;
  if (packed !== undefined) return { codec, packed };
  return { codec: Codec.GZIP, packed: zlib.gzipSync(records) };
}
