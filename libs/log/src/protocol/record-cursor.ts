import { MalformedRequestError } from './reader.js';
import type { RecordHeader } from './records.js';

/**
 * Maximum number of headers of one record that are decoded. A header can be two bytes, and its decoded form takes far
 * more memory.
 */
const MAX_RECORD_HEADERS = 10_000;

const LAST_VARINT_SHIFT = 28;
/** The bits of a 32-bit number that the fifth byte of a varint may contain. */
const LAST_VARINT_BITS = 0x0f;
const MAX_VARLONG_SHIFT = 63n;

/**
 * Iterates over the uncompressed records of a batch without creating objects: the fields of the current record are decoded on
 * request. Every length is compared with that of the record before it is used.
 *
 *   length varint · attributes int8 · timestampDelta varlong · offsetDelta varint ·
 *   keyLength varint · key · valueLength varint · value · headerCount varint · (keyLength varint · key · valueLength varint · value)*
 *
 * @see https://kafka.apache.org/documentation/#record
 */
export class RecordCursor {
  offsetDelta = 0;
  /** Milliseconds; a number if it has at most 28 bits in the batch, as those of all but odd producers. */
  timestampDelta: number | bigint = 0;
  headerCount = 0;
  /** Where the length of the key is: key and value follow, each after its length. */
  contentAt = 0;
  keyAt = 0;
  /** -1 if the record has no key. */
  keyBytes = -1;
  valueAt = 0;
  /** -1 if the record has no value. */
  valueBytes = -1;
  private headersAt = 0;
  /** The end of the current range: the record, or all records. */
  private end: number;
  private at = 0;

  constructor(readonly bytes: Buffer) {
    this.end = bytes.length;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** A view of the batch. */
  get key(): Buffer | null {
    return this.part(this.keyAt, this.keyBytes);
  }

  /** A view of the batch. */
  get value(): Buffer | null {
    return this.part(this.valueAt, this.valueBytes);
  }

  /** Where key and value end. */
  get contentEnd(): number {
    return this.valueAt + Math.max(this.valueBytes, 0);
  }

  /** The number of bytes of key and value. */
  get sizeBytes(): number {
    return Math.max(this.keyBytes, 0) + Math.max(this.valueBytes, 0);
  }

  /**
   * Moves to the next record.
   * @throws MalformedRequestError if there is none, or it is malformed
   */
  advance(): void {
    const { bytes } = this;
    this.end = bytes.length;
    const length = this.varint();
    const start = this.at;
    if (length <= 0 || length > bytes.length - start) {
      throw new MalformedRequestError(`a record declares ${length} bytes, ${bytes.length - start} remain`);
    }
    this.end = start + length;
    this.skip(1);
    this.timestampDelta = this.varlong();
    this.offsetDelta = this.varint();
    this.contentAt = this.at;
    this.keyBytes = this.varint();
    this.keyAt = this.skip(Math.max(this.keyBytes, 0));
    this.valueBytes = this.varint();
    this.valueAt = this.skip(Math.max(this.valueBytes, 0));
    this.headerCount = this.varint();
    this.headersAt = this.at;
    this.skipHeaders();
    if (this.at !== this.end) {
      throw new MalformedRequestError(`a record declares ${length} bytes and has ${this.at - start}`);
    }
  }

  /** The headers of the record in order. Values are views of the batch. */
  headers(): RecordHeader[] {
    const headers: RecordHeader[] = [];
    const behind = this.at;
    this.at = this.headersAt;
    for (let left = this.headerCount; left > 0; left -= 1) {
      const keyBytes = this.varint();
      const keyAt = this.skip(keyBytes);
      const key = this.bytes.toString('utf8', keyAt, keyAt + keyBytes);
      const valueBytes = this.varint();
      headers.push({ key, value: this.part(this.skip(Math.max(valueBytes, 0)), valueBytes) });
    }
    this.at = behind;
    return headers;
  }

  private skipHeaders(): void {
    if (this.headerCount < 0 || this.headerCount > MAX_RECORD_HEADERS) {
      throw new MalformedRequestError(`a record has ${this.headerCount} headers`);
    }
    for (let left = this.headerCount; left > 0; left -= 1) {
      this.skip(this.varint());
      this.skip(Math.max(this.varint(), 0));
    }
  }

  private part(at: number, length: number): Buffer | null {
    return length < 0 ? null : this.bytes.subarray(at, at + length);
  }

  /**
   * Advances by `length` bytes.
   * @returns the position before
   */
  private skip(length: number): number {
    const start = this.at;
    if (length < 0 || length > this.end - start) {
      throw new MalformedRequestError(`expected ${length} bytes, ${this.end - start} remain`);
    }
    this.at = start + length;
    return start;
  }

  private byte(): number {
    if (this.at >= this.end) throw new MalformedRequestError('a varint in a record is truncated');
    return this.bytes[this.at++] as number;
  }

  private varint(): number {
    let raw = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === LAST_VARINT_SHIFT && byte > LAST_VARINT_BITS) {
        throw new MalformedRequestError('a varint is longer than 32 bits');
      }
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
  }

  private varlong(): number | bigint {
    const start = this.at;
    let low = 0;
    for (let shift = 0; shift < LAST_VARINT_SHIFT; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    this.at = start;
    let raw = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      if (shift === MAX_VARLONG_SHIFT && byte > 1) {
        throw new MalformedRequestError('a varlong is longer than 64 bits');
      }
      raw |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >> 1n) ^ -(raw & 1n);
    }
  }
}
