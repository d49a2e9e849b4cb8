import { crc32 } from 'node:zlib';
import type { CountedRange } from '../log/unreadable-ranges.js';

/** `HSKF`, and the version of the layout. */
const MAGIC = Buffer.from([0x48, 0x53, 0x4b, 0x46, 8]);

const VERSION_AT = MAGIC.length - 1;

/** A keyframe is written after this many records: a moment is then at most this many records after a keyframe. */
export const KEYFRAME_RECORDS = 10_000n;

const PREFIX_BYTES = MAGIC.length + 4;
const CHECKSUM_BYTES = 4;

/** Maximum size of a header: the offsets of some thousand partitions. */
const MAX_HEADER_BYTES = 4_194_304;

/** The next offset of each partition of a topic with this id. */
interface KeyframeTopic {
  readonly topicId: string;
  /** Decimal, by partition. */
  readonly offsets: Readonly<Record<number, string>>;
}

/**
 * Describes a keyframe: the city folded from all records before `offsets` that realtime has read, and from some records
 * that follow.
 */
export interface KeyframeHeader {
  readonly clusterId: string;
  readonly topics: Readonly<Record<string, KeyframeTopic>>;
  /** The receipt before which the log was not read, although it has records; `null` if all were read. */
  readonly since: number | null;
  /** When it was written, in milliseconds. */
  readonly writtenAt: number;
  /** Latest time of the events and of the receipts that are included; `null` without events. */
  readonly latest: { readonly event: number | null; readonly received: number | null };
  /** Records before `offsets` that were skipped because they could not be read; none if omitted. */
  readonly unreadable?: readonly CountedRange[];
  /** Ids of the packs of trips that the city refers to. */
  readonly packs: readonly string[];
}

/** A file is not a keyframe of this version, or is damaged. */
export class KeyframeError extends Error {
  override readonly name = 'KeyframeError';
  readonly retryable = false;

  constructor(
    message: string,
    readonly code: 'KEYFRAME_INVALID' | 'KEYFRAME_VERSION' = 'KEYFRAME_INVALID',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/*
 * Keyframe => magic version header_length header crc city crc
 *   magic => "HSKF"
 *   version => INT8
 *   header_length => UINT32
 *   header => JSON of KeyframeHeader, UTF-8
 *   crc => UINT32, CRC-32 of everything before it; the second one of the city alone
 *   city => CityState.write [ZoneBook.write]
 */

/** The parts of a file, in order. */
export function encodeKeyframe(header: KeyframeHeader, city: Buffer): Buffer[] {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32BE(json.length, MAGIC.length);
  return [prefix, json, checksum(crc32(json, crc32(prefix))), city, checksum(crc32(city))];
}

/** @throws KeyframeError if the bytes are not a keyframe of this version, or are damaged */
export function decodeKeyframe(bytes: Buffer): { readonly header: KeyframeHeader; readonly city: Buffer } {
  const { header, sizeBytes } = decodeHeader(bytes);
  const end = bytes.length - CHECKSUM_BYTES;
  const city = bytes.subarray(sizeBytes, Math.max(sizeBytes, end));
  if (end < sizeBytes || crc32(city) !== bytes.readUInt32BE(end)) {
    throw new KeyframeError('the city is damaged: its checksum differs');
  }
  return { header, city };
}

/** Decodes the header of a file of which at least the header was read. */
function decodeHeader(bytes: Buffer): { readonly header: KeyframeHeader; readonly sizeBytes: number } {
  const isKeyframe = bytes.subarray(0, VERSION_AT).equals(MAGIC.subarray(0, VERSION_AT));
  if (bytes.length < PREFIX_BYTES || !isKeyframe) throw new KeyframeError('the file is not a keyframe');
  const [version, expected] = [bytes[VERSION_AT], MAGIC[VERSION_AT]];
  if (version !== expected) {
    const text = `the keyframe has the version ${version}, expected version ${expected}`;
    throw new KeyframeError(text, 'KEYFRAME_VERSION');
  }
  const headerBytes = bytes.readUInt32BE(MAGIC.length);
  const end = PREFIX_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || bytes.length < end + CHECKSUM_BYTES) {
    throw new KeyframeError('the file ends within the header');
  }
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) {
    throw new KeyframeError('the header is damaged: its checksum differs');
  }
  const header = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, end)) as KeyframeHeader;
  return { header, sizeBytes: end + CHECKSUM_BYTES };
}

function checksum(value: number): Buffer {
  const bytes = Buffer.alloc(CHECKSUM_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}
