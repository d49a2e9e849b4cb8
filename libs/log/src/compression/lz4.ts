import { createRequire } from 'node:module';
import { checkUnpackedSize, UnpackError } from './unpack-error.js';

/*
 * LZ4's frame format:
 *
 *   magic uint32 · flags · block descriptor · (content size uint64) · (dictionary id uint32) · header checksum ·
 *   (length uint32, highest bit: not packed · block · (checksum uint32))* · 0 · (content checksum uint32)
 */
interface Lz4 {
  compressFrameSync(bytes: Buffer): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
}
const MAGIC = 0x184d2204;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;
const BLOCK_CHECKSUM = 0x10;
const LENGTH_MASK = 0x7fffffff;
const NOT_PACKED = 0x80000000;
/** Maximum ratio of the decompressed size of a block to its compressed size. */
const MAX_EXPANSION = 255;

/** `null` if it is not loaded. */
let loaded: Lz4 | undefined | null = null;

/** Loaded at the first use: most processes never need it, and it uses 5 MiB of memory. */
function lz4(): Lz4 | undefined {
  if (loaded !== null) return loaded;
  try {
    loaded = createRequire(import.meta.url)('lz4-napi') as Lz4;
  } catch {
    // There is no prebuilt binary for this platform.
    loaded = undefined;
  }
  return loaded;
}

/** @returns undefined if no encoder is available on this platform */
export function packLz4(records: Buffer): Buffer | undefined {
  return lz4()?.compressFrameSync(records);
}

/**
 * Bytes after the frame are ignored, as in Kafka.
 *
 * @returns undefined if no decoder is available on this platform
 * @throws UnpackError if the frame is invalid or decompresses to more than allowed
 */
export function unpackLz4(packed: Buffer, maxBytes: number): Buffer | undefined {
  const { end, largestBytes } = measureFrame(packed);
  checkUnpackedSize(largestBytes, maxBytes);
  return lz4()?.decompressFrameSync(packed.subarray(0, end));
}

/** The end of a frame, and the maximum size that its blocks can decompress to. */
function measureFrame(packed: Buffer): { end: number; largestBytes: number } {
  if (packed.readUInt32LE(0) !== MAGIC) throw new UnpackError('invalid lz4 frame');
  const flags = packed.readUInt8(4);
  const blockBytes = 1 << (8 + 2 * ((packed.readUInt8(5) >> 4) & 7));
  let at = 7 + ((flags & CONTENT_SIZE) !== 0 ? 8 : 0) + ((flags & DICTIONARY) !== 0 ? 4 : 0);
  let largestBytes = 0;
  for (;;) {
    const header = packed.readUInt32LE(at);
    const length = header & LENGTH_MASK;
    at += 4;
    if (length === 0) return { end: at + ((flags & CONTENT_CHECKSUM) !== 0 ? 4 : 0), largestBytes };
    largestBytes += Math.min(header >= NOT_PACKED ? length : length * MAX_EXPANSION, blockBytes);
    at += length + ((flags & BLOCK_CHECKSUM) !== 0 ? 4 : 0);
  }
}
