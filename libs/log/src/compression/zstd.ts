import * as zlib from 'node:zlib';
import { createRequire } from 'node:module';
import type * as Fzstd from 'fzstd';
import { checkUnpackedSize, UnpackError } from './unpack-error.js';

/** Node supports zstd since 22.15. */
const nodeZstd = zlib as {
  zstdCompressSync?: (bytes: Buffer) => Buffer;
  zstdDecompressSync?: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;
};

/** @returns undefined if this version of Node cannot compress with zstd */
export function packZstd(records: Buffer): Buffer | undefined {
  return nodeZstd.zstdCompressSync?.(records);
}

/** @throws UnpackError, or an error of Node's zlib */
export function unpackZstd(packed: Buffer, maxBytes: number): Buffer {
  if (nodeZstd.zstdDecompressSync !== undefined) {
    return nodeZstd.zstdDecompressSync(packed, { maxOutputLength: maxBytes });
  }
  return unpackFrames(packed, maxBytes);
}

const require = createRequire(import.meta.url);
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const RAW = 0;
const REPEATED_BYTE = 1;
/** Maximum decompressed size of a block. The decoder uses the same number of bytes after its output for literals. */
const MAX_BLOCK_BYTES = 128 << 10;

/**
 * Decompresses frames without zlib. The memory is proportional to what the blocks can decompress to, and independent
 * of the window or content size that a frame declares.
 *
 * @throws UnpackError, or an error of the decoder
 */
export function unpackFrames(packed: Buffer, maxBytes: number): Buffer {
  const frames: Buffer[] = [];
  let left = maxBytes;
  for (let at = 0; at < packed.length;) {
    const magic = packed.readUInt32LE(at);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + packed.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw new UnpackError('invalid zstd frame');
    const { sizeBytes, largestBytes } = measureFrame(packed.subarray(at));
    const unpacked = unpackFrame(packed.subarray(at, at + sizeBytes), largestBytes, left);
    checkUnpackedSize(unpacked.length, left);
    left -= unpacked.length;
    frames.push(unpacked);
    at += sizeBytes;
  }
  if (frames.length === 0) throw new UnpackError('no zstd frame');
  return frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
}

function unpackFrame(frame: Buffer, largestBytes: number, maxBytes: number): Buffer {
  // Zero-filled, because a damaged frame may leave bytes unwritten and must not expose memory of the process.
  const room = new Uint8Array(Math.min(largestBytes, maxBytes) + MAX_BLOCK_BYTES);
  let unpacked: Uint8Array;
  try {
    // Loaded at the first use, because Node's own decoder is used if there is one.
    unpacked = (require('fzstd') as typeof Fzstd).decompress(frame, room);
  } catch (cause) {
    if (largestBytes > maxBytes) checkUnpackedSize(largestBytes, maxBytes);
    throw new UnpackError('damaged zstd frame', 'CORRUPT', { cause });
  }
  return Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.length);
}

/**
 * The length of the frame at the start of `packed`, and the maximum size that its blocks can decompress to.
 *
 * @see RFC 8878, 3.1.1
 */
function measureFrame(packed: Buffer): { sizeBytes: number; largestBytes: number } {
  const descriptor = packed.readUInt8(4);
  const isOneSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const contentSizeBytes = [isOneSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  let at = (isOneSegment ? 5 : 6) + dictionaryBytes + contentSizeBytes;
  let largestBytes = 0;
  for (let isLast = false; !isLast;) {
    const header = packed.readUIntLE(at, 3);
    isLast = (header & 1) !== 0;
    const kind = (header >> 1) & 3;
    const length = header >> 3;
    largestBytes += kind === RAW || kind === REPEATED_BYTE ? length : MAX_BLOCK_BYTES;
    at += 3 + (kind === REPEATED_BYTE ? 1 : length);
  }
  if ((descriptor & 0x04) !== 0) at += 4;
  if (at > packed.length) throw new UnpackError('the zstd frame is truncated');
  return { sizeBytes: at, largestBytes };
}
