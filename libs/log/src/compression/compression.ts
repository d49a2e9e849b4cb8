import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';
import * as fzstd from 'fzstd';

/** How the records of a batch are compressed, by Kafka's numbers. */
export const Codec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const;

/** Most that the records of one batch may unpack to. */
export const MAX_UNPACKED_BYTES = 64 << 20;

/** Records that are not what their codec says, or that would unpack to more than allowed. */
export class UnpackError extends Error {
  override readonly name = 'UnpackError';
}

/**
 * Unpacks the records of a batch.
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
    throw new UnpackError(`records are not what codec ${codec} packs`, { cause });
  }
}

/** Packs records. @returns with which codec: gzip where this machine can't write the one asked for */
export function pack(codec: number, records: Buffer): { codec: number; packed: Buffer } {
  if (codec === Codec.NONE) return { codec, packed: records };
  if (codec === Codec.SNAPPY) return { codec, packed: packSnappy(records) };
  if (codec === Codec.LZ4 && lz4 !== undefined) return { codec, packed: lz4.compressFrameSync(records) };
  if (codec === Codec.ZSTD && nodeZstd.zstdCompressSync !== undefined) {
    return { codec, packed: nodeZstd.zstdCompressSync(records) };
  }
  return { codec: Codec.GZIP, packed: zlib.gzipSync(records) };
}

const require = createRequire(import.meta.url);

/*
 * Snappy comes in two forms. Java and most others put xerial's frame around blocks of 32 KiB:
 *
 *   82 'SNAPPY' 00 · version int32 · compatible version int32 · (length int32 · raw snappy)*
 *
 * librdkafka writes one raw block. Both are read everywhere; the frame is what is written here.
 */
const snappy = require('snappyjs') as {
  compress(bytes: Buffer): Buffer;
  uncompress(bytes: Buffer, maxBytes: number): Buffer;
};
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
const XERIAL_BLOCK_BYTES = 32 << 10;

function unpackSnappy(packed: Buffer, maxBytes: number): Buffer {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    return snappy.uncompress(packed, maxBytes);
  }
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = XERIAL_HEADER.length; at < packed.length;) {
    const length = packed.readUInt32BE(at);
    at += 4;
    if (length > packed.length - at) throw new UnpackError('a snappy block ends early');
    const block = snappy.uncompress(packed.subarray(at, at + length), left);
    left -= block.length;
    blocks.push(block);
    at += length;
  }
  return Buffer.concat(blocks);
}

function packSnappy(records: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER];
  for (let at = 0; at < records.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy.compress(records.subarray(at, at + XERIAL_BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

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
const lz4 = loadLz4();
const LZ4_CONTENT_SIZE = 0x08;
const LZ4_DICTIONARY = 0x01;
const LZ4_BLOCK_CHECKSUM = 0x10;
const LZ4_LENGTH_MASK = 0x7fffffff;

function loadLz4(): Lz4 | undefined {
  try {
    return require('lz4-napi') as Lz4;
  } catch {
    // No prebuilt binary for this platform: such batches then pass through, unread.
    return undefined;
  }
}

function unpackLz4(packed: Buffer, maxBytes: number): Buffer | undefined {
  const largest = lz4Bound(packed);
  if (largest > maxBytes)
    throw new UnpackError(`lz4 of up to ${largest} bytes, at most ${maxBytes} are unpacked`);
  return lz4?.decompressFrameSync(packed);
}

/** Most bytes that a frame can unpack to, by its blocks. */
function lz4Bound(packed: Buffer): number {
  const flags = packed.readUInt8(4);
  const blockBytes = 1 << (8 + 2 * ((packed.readUInt8(5) >> 4) & 7));
  let at = 7 + ((flags & LZ4_CONTENT_SIZE) !== 0 ? 8 : 0) + ((flags & LZ4_DICTIONARY) !== 0 ? 4 : 0);
  let blocks = 0;
  for (;;) {
    const length = packed.readUInt32LE(at) & LZ4_LENGTH_MASK;
    if (length === 0) return blocks * blockBytes;
    blocks++;
    at += 4 + length + ((flags & LZ4_BLOCK_CHECKSUM) !== 0 ? 4 : 0);
  }
}

/** Node has zstd from 22.15 on. */
const nodeZstd = zlib as {
  zstdCompressSync?: (bytes: Buffer) => Buffer;
  zstdDecompressSync?: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;
};

function unpackZstd(packed: Buffer, maxBytes: number): Buffer {
  if (nodeZstd.zstdDecompressSync !== undefined) {
    return nodeZstd.zstdDecompressSync(packed, { maxOutputLength: maxBytes });
  }
  checkZstdFrame(packed, maxBytes);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const stream = new fzstd.Decompress((chunk) => {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new UnpackError(`zstd of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  });
  stream.push(packed, true);
  return Buffer.concat(chunks);
}

/**
 * Refuses what would allocate too much at once: a frame with a large window, or a second frame behind the first.
 *
 * @see RFC 8878, 3.1.1
 */
function checkZstdFrame(packed: Buffer, maxBytes: number): void {
  const descriptor = packed.readUInt8(4);
  const isOneSegment = (descriptor & 0x20) !== 0;
  const sizeAt = (isOneSegment ? 5 : 6) + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizeBytes = [isOneSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const window = isOneSegment ? contentBytes(packed, sizeAt, sizeBytes) : windowBytes(packed.readUInt8(5));
  if (window > maxBytes) {
    throw new UnpackError(`a zstd window of ${window} bytes, at most ${maxBytes} are unpacked`);
  }
  let at = sizeAt + sizeBytes;
  for (let isLast = false; !isLast;) {
    const header = packed.readUIntLE(at, 3);
    isLast = (header & 1) !== 0;
    at += 3 + (((header >> 1) & 3) === ZSTD_REPEATED_BYTE ? 1 : header >> 3);
  }
  if ((descriptor & 0x04) !== 0) at += 4;
  if (at !== packed.length) throw new UnpackError('zstd of more or less than one frame');
}

const ZSTD_REPEATED_BYTE = 1;

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentBytes(packed: Buffer, at: number, length: number): number {
  if (length === 8) return Number(packed.readBigUInt64LE(at));
  return packed.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}
