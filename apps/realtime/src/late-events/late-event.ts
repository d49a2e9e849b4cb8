import { crc32 } from 'node:zlib';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';

/** An event that was received more than this after its own time is late. */
export const LATE_AFTER_MS = 10_000;

/** The record of a late event. */
export interface LateEvent {
  readonly topic: string;
  /** By `eventTimeAt`. */
  readonly time: number;
  readonly receivedAt: number;
  readonly value: Uint8Array;
}

/** Where late events that were received between two keyframes are stored. */
export interface LateBlock {
  /** Number of the keyframe after them. */
  readonly keyframe: number;
  /** Number of the file, which contains the blocks of several keyframes. */
  readonly segment: number;
  readonly position: number;
  readonly sizeBytes: number;
  /** Earliest time of the events. */
  readonly earliest: number;
}

/** The bytes of a block do not match their checksum. */
export class LateBlockError extends Error {
  override readonly name = 'LateBlockError';
  readonly code = 'LATE_BLOCK_DAMAGED';
  readonly retryable = false;
}

const CHECKSUM_BYTES = 4;
const MILLISECONDS = { base: 0, parts: 1 };

/*
 * Block => crc events
 *   crc => UINT32, CRC-32 of the events
 *   events => [1 topic time received_at value] 0
 */

export function encodeLateEvents(events: readonly LateEvent[]): Buffer {
  const to = new ByteWriter();
  for (const { topic, time, receivedAt, value } of events) {
    to.count(1);
    to.repeatedText(topic);
    to.number(time, MILLISECONDS);
    to.number(receivedAt, MILLISECONDS);
    to.section(Buffer.from(value.buffer, value.byteOffset, value.length));
  }
  to.count(0);
  const bytes = to.finish();
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32BE(crc32(bytes));
  return Buffer.concat([checksum, bytes]);
}

/**
 * The values are views of the bytes.
 *
 * @throws LateBlockError if the bytes are damaged
 */
export function decodeLateEvents(bytes: Buffer): LateEvent[] {
  const content = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.length < CHECKSUM_BYTES || crc32(content) !== bytes.readUInt32BE(0)) {
    throw new LateBlockError('a block of late events is damaged: its checksum differs');
  }
  const from = new ByteReader(content);
  const events: LateEvent[] = [];
  while (from.count() === 1) {
    const topic = from.repeatedText();
    const time = from.number(MILLISECONDS) ?? 0;
    const receivedAt = from.number(MILLISECONDS) ?? 0;
    events.push({ topic, time, receivedAt, value: from.section() });
  }
  return events;
}
