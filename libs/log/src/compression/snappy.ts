import { createRequire } from 'node:module';
import { checkUnpackedSize, UnpackError } from './unpack-error.js';

/*
 * Snappy comes in two forms. Java and most others put xerial's frame around blocks of 32 KiB:
 *
 *   82 'SNAPPY' 00 · version int32 · compatible version int32 · (length int32 · raw snappy)*
 *
 * librdkafka writes one raw block. Both are read everywhere; the frame is what is written here.
 */
interface Snappy {
  compress(bytes: Buffer): Buffer;
}
const require = createRequire(import.meta.url);
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
const XERIAL_BLOCK_BYTES = 32 << 10;

export function packSnappy(records: Buffer): Buffer {
  // Loaded at the first use, because most processes never need it.
  const snappy = require('snappyjs') as Snappy;
  const parts: Buffer[] = [XERIAL_HEADER];
  for (let at = 0; at < records.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy.compress(records.subarray(at, at + XERIAL_BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** @throws UnpackError if the data is invalid or decompresses to more than allowed */
export function unpackSnappy(packed: Buffer, maxBytes: number): Buffer {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return unpackBlock(packed, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = XERIAL_HEADER.length; at < packed.length;) {
    const length = packed.readUInt32BE(at);
    at += 4;
    if (length > packed.length - at) throw new UnpackError('the snappy block is truncated');
    const block = unpackBlock(packed.subarray(at, at + length), left);
    left -= block.length;
    blocks.push(block);
    at += length;
  }
  return blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks);
}

/*
 * A raw block: its unpacked length as a varint, then elements that begin with a tag, whose low bits are the kind.
 *
 *   00 literal      length - 1 in the tag's high six bits, or from 60 on in the 1 to 4 bytes after it
 *   01 copy         length - 4 in three bits · offset in the other three and one byte
 *   10, 11 copy     length - 1 in six bits · offset in two bytes, in four
 */
const MAX_LENGTH_BYTES = 5;
/** A copy of 64 bytes takes 3 bytes, so a larger declared length is invalid. */
const MAX_EXPANSION = 22;
const LONG_LITERAL = 60;
/** Up to this length a loop is faster than a call of `copy`. */
const LOOPED_BYTES = 64;

/**
 * Decompresses one raw block.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @throws UnpackError if the block is invalid or decompresses to more than allowed
 */
function unpackBlock(packed: Buffer, maxBytes: number): Buffer {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = packed[at++];
    if (byte === undefined || at > MAX_LENGTH_BYTES) throw new UnpackError('the snappy block has no length');
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  checkUnpackedSize(length, maxBytes);
  if (length > packed.length * MAX_EXPANSION)
    throw new UnpackError('the snappy block declares more bytes than it can contain');
  const unpacked = Buffer.allocUnsafe(length);
  const end = unpackElements(packed, at, unpacked);
  if (end !== length) throw new UnpackError(`the snappy block has ${end} bytes, expected ${length}`);
  return unpacked;
}

/** @returns the number of bytes written */
function unpackElements(packed: Buffer, from: number, out: Buffer): number {
  let at = from;
  let end = 0;
  while (at < packed.length) {
    const tag = packed[at++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >>> 2) + 1;
      if (length > LONG_LITERAL) {
        const bytes = length - LONG_LITERAL;
        length = packed.readUIntLE(at, bytes) + 1;
        at += bytes;
      }
      if (length > packed.length - at || length > out.length - end) {
        throw new UnpackError('a snappy literal is longer than its block');
      }
      if (length > LOOPED_BYTES) packed.copy(out, end, at, at + length);
      else for (let i = 0; i < length; i++) out[end + i] = packed[at + i] as number;
      at += length;
      end += length;
      continue;
    }
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset =
      kind === 1 ? ((tag >>> 5) << 8) | packed.readUInt8(at) : packed.readUIntLE(at, kind === 2 ? 2 : 4);
    at += kind === 1 ? 1 : kind === 2 ? 2 : 4;
    if (offset === 0 || offset > end || length > out.length - end) {
      throw new UnpackError('a snappy copy has an invalid offset');
    }
    // Byte by byte, because a copy may repeat bytes that it has just written.
    for (let i = 0; i < length; i++) out[end + i] = out[end - offset + i] as number;
    end += length;
  }
  return end;
}
