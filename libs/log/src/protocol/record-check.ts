/*
 * A record inside a batch:
 *
 *   length varint · attributes int8 · timestampDelta varlong · offsetDelta varint ·
 *   keyLength varint · key · valueLength varint · value · headerCount varint · (keyLength varint · key · valueLength varint · value)*
 */

/** Kafka's "no timestamp", which every topic accepts. */
const NO_TIMESTAMP = -1n;
/** Bytes of a varlong that a number holds exactly. */
const EXACT_VARLONG_BYTES = 7;
/** A header has at least the lengths of its key and its value. */
const MIN_HEADER_BYTES = 2;
/** Most records that an error names, so that its answer stays smaller than the request. */
export const MAX_RECORD_FAULTS = 1_000;

/** Records that are not what the header of their batch says. */
export class MalformedRecordsError extends Error {
  override readonly name = 'MalformedRecordsError';
}

/** What the records of a batch have to be. */
export interface RecordRules {
  /** Whether each must have a key. */
  readonly needsKeys: boolean;
  /** From when to when timestamps may be, in milliseconds; undefined if any is accepted. */
  readonly timestamps: { readonly earliest: bigint; readonly latest: bigint } | undefined;
}

/** A record that breaks a rule. */
export interface RecordFault {
  readonly kind: 'no-key' | 'timestamp';
  readonly batchIndex: number;
  readonly timestamp: bigint;
}

/** What a check found. */
export interface RecordCheck {
  /** The largest, -1 if none is larger. */
  readonly maxTimestamp: bigint;
  /** The first `MAX_RECORD_FAULTS`. */
  readonly faults: readonly RecordFault[];
  readonly faultCount: number;
}

/**
 * Checks the uncompressed records of a batch one by one, as Kafka's LogValidator does: every length and count, offsets
 * that go up by one from 0, and the rules. Takes no memory for what they announce.
 *
 * @throws MalformedRecordsError
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
    // Numbers that round to the same one are told apart by what they are exactly.
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
      `${records.length - cursor.at} bytes follow the ${count} records of a batch`,
    );
  }
  const largest = BigInt.asIntN(64, baseTimestamp + (maxExactDelta ?? BigInt(maxDelta)));
  return { maxTimestamp: largest > NO_TIMESTAMP ? largest : NO_TIMESTAMP, faults, faultCount };
}

function isGreater(a: bigint | undefined, b: bigint | undefined): boolean {
  return a !== undefined && (b === undefined || a > b);
}

/** Goes over records one after another, without objects. */
class RecordCursor {
  at = 0;
  timestampDelta = 0;
  /** Where a number does not hold it exactly. */
  exactTimestampDelta: bigint | undefined;
  hasKey = false;

  constructor(private readonly buffer: Buffer) {}

  /** Checks the record with this index. @throws MalformedRecordsError */
  next(index: number): void {
    const length = this.varint(this.buffer.length);
    const end = this.at + length;
    if (length < 0 || end > this.buffer.length) {
      throw new MalformedRecordsError(
        `record ${index} says ${length} bytes, ${this.buffer.length - this.at} are left`,
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
      throw new MalformedRecordsError(`record ${index} has ${end - this.at} bytes more than its fields`);
    }
  }

  private headers(index: number, end: number): void {
    const count = this.varint(end);
    if (count < 0 || count * MIN_HEADER_BYTES > end - this.at) {
      throw new MalformedRecordsError(
        `record ${index} says ${count} headers, ${end - this.at} bytes are left`,
      );
    }
    for (let left = count; left > 0; left--) {
      const keyLength = this.varint(end);
      if (keyLength < 0) throw new MalformedRecordsError(`record ${index} has a header without a key`);
      this.skip(keyLength, end);
      this.skip(this.varint(end), end);
    }
  }

  /** A negative length is that of null. */
  private skip(length: number, end: number): void {
    if (length <= 0) return;
    if (length > end - this.at)
      throw new MalformedRecordsError('a field of a record is longer than the record');
    this.at += length;
  }

  private varint(end: number): number {
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte(end, shift, 32);
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  }

  private varlong(end: number): void {
    const start = this.at;
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

  /** The next byte of a number of so many bits, of which it has those from `shift` on. */
  private byte(end: number, shift: number, bits: number): number {
    if (this.at >= end) throw new MalformedRecordsError('a record ends within a number');
    const byte = this.buffer[this.at++] as number;
    if (shift + 7 > bits && byte >= 2 ** (bits - shift)) {
      throw new MalformedRecordsError(`a number in a record is longer than ${bits} bits`);
    }
    return byte;
  }
}
