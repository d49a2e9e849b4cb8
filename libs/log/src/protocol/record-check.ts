/*
 * A record inside a batch:
 *
 *   length varint · attributes int8 · timestampDelta varlong · offsetDelta varint ·
 *   keyLength varint · key · valueLength varint · value · headerCount varint · (keyLength varint · key · valueLength varint · value)*
 */

/** Kafka's value for "no timestamp", which every topic accepts. */
const NO_TIMESTAMP = -1n;
/** Number of varlong bytes that a JavaScript number represents exactly. */
const EXACT_VARLONG_BYTES = 7;
/** A header has at least the lengths of its key and its value. */
const MIN_HEADER_BYTES = 2;
/** Maximum number of records in an error, so that the response stays smaller than the request. */
export const MAX_RECORD_FAULTS = 1_000;

/** The records do not match the header of their batch. */
export class MalformedRecordsError extends Error {
  override readonly name = 'MalformedRecordsError';
}

/** Requirements of a topic for the records of a batch. */
export interface RecordRules {
  /** Whether each record must have a key. */
  readonly needsKeys: boolean;
  /** Range of allowed timestamps in milliseconds, or undefined for any. */
  readonly timestamps: { readonly earliest: bigint; readonly latest: bigint } | undefined;
}

/** A record that violates a requirement. */
export interface RecordFault {
  readonly kind: 'no-key' | 'timestamp';
  readonly batchIndex: number;
  readonly timestamp: bigint;
}

/** The result of a check. */
interface RecordCheck {
  /** The largest timestamp, at least -1. */
  readonly maxTimestamp: bigint;
  /** The first `MAX_RECORD_FAULTS`. */
  readonly faults: readonly RecordFault[];
  readonly faultCount: number;
}

/**
 * Validates the uncompressed records of a batch like Kafka's LogValidator: every length and count, consecutive offset
 * deltas from 0, and the topic's requirements. Memory is independent of the lengths that records declare.
 *
 * @throws MalformedRecordsError if a record is malformed
 */
export function checkRecords(
  records: Buffer,
  { count, baseTimestamp }: { readonly count: number; readonly baseTimestamp: bigint },
  { needsKeys, timestamps }: RecordRules,
): RecordCheck {
  const cursor = new RecordCursor(records);
  const earliest = timestamps === undefined ? -Infinity : Number(timestamps.earliest - baseTimestamp);
  const latest = timestamps === undefined ? Infinity : Number(timestamps.latest - baseTimestamp);
  const none = Number(NO_TIMESTAMP - baseTimestamp);
  const faults: RecordFault[] = [];
  let faultCount = 0;
  let maxDelta = -Infinity;
  let maxExactDelta: bigint | undefined;
  const note = (kind: RecordFault['kind'], batchIndex: number, timestamp: bigint) => {
    faultCount++;
    if (faults.length < MAX_RECORD_FAULTS) faults.push({ kind, batchIndex, timestamp });
  };
  for (let index = 0; index < count; index++) {
    cursor.next(index);
    const { timestampDelta: delta } = cursor;
    // Timestamps that round to the same number are compared exactly.
    if (delta > maxDelta || (delta === maxDelta && isGreater(cursor.exactTimestampDelta, maxExactDelta))) {
      maxDelta = delta;
      maxExactDelta = cursor.exactTimestampDelta;
    }
    if (needsKeys && !cursor.hasKey) note('no-key', index, 0n);
    else if ((delta < earliest || delta > latest) && delta !== none) {
      note('timestamp', index, baseTimestamp + (cursor.exactTimestampDelta ?? BigInt(delta)));
    }
  }
  if (cursor.at !== records.length) {
    throw new MalformedRecordsError(
      `${records.length - cursor.at} bytes follow the ${count} records of the batch`,
    );
  }
  const largest = BigInt.asIntN(64, baseTimestamp + (maxExactDelta ?? BigInt(maxDelta)));
  return { maxTimestamp: largest > NO_TIMESTAMP ? largest : NO_TIMESTAMP, faults, faultCount };
}

function isGreater(a: bigint | undefined, b: bigint | undefined): boolean {
  return a !== undefined && (b === undefined || a > b);
}

/** Iterates over records without creating objects. */
class RecordCursor {
  at = 0;
  timestampDelta = 0;
  /** Set if a number cannot represent it exactly. */
  exactTimestampDelta: bigint | undefined;
  hasKey = false;

  constructor(private readonly buffer: Buffer) {}

  /**
   * Validates the record at this index.
   * @throws MalformedRecordsError if it is malformed
   */
  next(index: number): void {
    const length = this.varint(this.buffer.length);
    const end = this.at + length;
    if (length < 0 || end > this.buffer.length) {
      throw new MalformedRecordsError(
        `record ${index} declares ${length} bytes, ${this.buffer.length - this.at} remain`,
      );
    }
    this.at++;
    this.varlong(end);
    const offsetDelta = this.varint(end);
    if (offsetDelta !== index) {
      throw new MalformedRecordsError(`record ${index} has offset delta ${offsetDelta}, expected ${index}`);
    }
    const keyLength = this.varint(end);
    this.hasKey = keyLength >= 0;
    this.skip(keyLength, end);
    this.skip(this.varint(end), end);
    this.headers(index, end);
    if (this.at !== end) {
      throw new MalformedRecordsError(`record ${index} has ${end - this.at} bytes after its fields`);
    }
  }

  private headers(index: number, end: number): void {
    const count = this.varint(end);
    if (count < 0 || count * MIN_HEADER_BYTES > end - this.at) {
      throw new MalformedRecordsError(
        `record ${index} declares ${count} headers, ${end - this.at} bytes remain`,
      );
    }
    for (let left = count; left > 0; left--) {
      const keyLength = this.varint(end);
      if (keyLength < 0) throw new MalformedRecordsError(`record ${index} has a header without a key`);
      this.skip(keyLength, end);
      this.skip(this.varint(end), end);
    }
  }

  /** A negative length means null. */
  private skip(length: number, end: number): void {
    if (length <= 0) return;
    if (length > end - this.at)
      throw new MalformedRecordsError('a field of a record is longer than the record');
    this.at += length;
  }

  private varint(end: number): number {
    const { at, buffer } = this;
    // Most varints have one or two bytes.
    if (at < end) {
      const first = buffer[at] as number;
      if (first < 0x80) {
        this.at = at + 1;
        return (first >>> 1) ^ -(first & 1);
      }
      const second = at + 1 < end ? (buffer[at + 1] as number) : 0x80;
      if (second < 0x80) {
        this.at = at + 2;
        return ((first & 0x7f) >>> 1) ^ (second << 6) ^ -(first & 1);
      }
    }
    return this.longVarint(end);
  }

  private longVarint(end: number): number {
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte(end, shift, 32);
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  }

  private varlong(end: number): void {
    const start = this.at;
    const first = start < end ? (this.buffer[start] as number) : 0x80;
    if (first < 0x80) {
      this.at = start + 1;
      this.exactTimestampDelta = undefined;
      this.timestampDelta = (first >>> 1) ^ -(first & 1);
      return;
    }
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte(end, shift, 64);
      zigzag += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (this.at - start <= EXACT_VARLONG_BYTES) {
      this.exactTimestampDelta = undefined;
      this.timestampDelta = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      return;
    }
    let exact = 0n;
    for (let i = this.at - 1; i >= start; i--) {
      exact = (exact << 7n) | BigInt((this.buffer[i] as number) & 0x7f);
    }
    exact = BigInt.asUintN(64, exact);
    this.exactTimestampDelta = (exact >> 1n) ^ -(exact & 1n);
    this.timestampDelta = Number(this.exactTimestampDelta);
  }

  /** The next byte of a varint with this number of bits; it contains those from `shift` on. */
  private byte(end: number, shift: number, bits: number): number {
    if (this.at >= end) throw new MalformedRecordsError('a varint in a record is truncated');
    const byte = this.buffer[this.at++] as number;
    if (shift + 7 > bits && byte >= 2 ** (bits - shift)) {
      throw new MalformedRecordsError(`a varint in a record is longer than ${bits} bits`);
    }
    return byte;
  }
}
