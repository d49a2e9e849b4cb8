import { MalformedRequestError } from './reader.js';
import type { RecordHeader } from './records.js';

/** Most headers of one record that are read: each costs its reader far more memory than the two bytes it can be. */
export const MAX_RECORD_HEADERS = 10_000;

const LAST_VARINT_SHIFT = 28;
/** What the fifth byte of a varint may hold of 32 bits. */
const LAST_VARINT_BITS = 0x0f;
const MAX_VARLONG_SHIFT = 63n;

/**
 * Steps through the uncompressed records of a batch without making anything of them: a record is made of what it
 * stands on only where asked for. Every length is checked against the record's own before it is used.
 *
 *   length varint · attributes int8 · timestampDelta varlong · offsetDelta varint ·
 *   keyLength varint · key · valueLength varint · value · headerCount varint · (keyLength varint · key · valueLength varint · value)*
 *
 * @see https://kafka.apache.org/documentation/#record
 */
export class RecordCursor {
  offsetDelta = 0;
  timestampDelta = 0n;
  headerCount = 0;
  private keyAt = 0;
  private keyBytes = -1;
  private valueAt = 0;
  private valueBytes = -1;
  private headersAt = 0;
  /** Where what is read now ends: the record, or all of them. */
  private end: number;
  private at = 0;

  constructor(private readonly bytes: Buffer) {
    this.end = bytes.length;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** Borrowed from the batch. */
  get key(): Buffer | null {
    return this.part(this.keyAt, this.keyBytes);
  }

  /** Borrowed from the batch. */
  get value(): Buffer | null {
    return this.part(this.valueAt, this.valueBytes);
  }

  /** Bytes of key and value. */
  get sizeBytes(): number {
    return Math.max(this.keyBytes, 0) + Math.max(this.valueBytes, 0);
  }

  /** Moves to the next record. @throws MalformedRequestError if there is none, or it is not well-formed */
  advance(): void {
    const { bytes } = this;
    this.end = bytes.length;
    const length = this.varint();
    const start = this.at;
    if (length <= 0 || length > bytes.length - start) {
      throw new MalformedRequestError(`a record of ${length} bytes where ${bytes.length - start} are left`);
    }
    this.end = start + length;
    this.skip(1);
    this.timestampDelta = this.varlong();
    this.offsetDelta = this.varint();
    this.keyBytes = this.varint();
    this.keyAt = this.skip(Math.max(this.keyBytes, 0));
    this.valueBytes = this.varint();
    this.valueAt = this.skip(Math.max(this.valueBytes, 0));
    this.headerCount = this.varint();
    this.headersAt = this.at;
    this.skipHeaders();
    if (this.at !== this.end) {
      throw new MalformedRequestError(`a record of ${length} bytes holds ${this.at - start}`);
    }
  }

  /** Headers of the record, in its order. Values are borrowed from the batch. */
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
      throw new MalformedRequestError(`a record with ${this.headerCount} headers`);
    }
    for (let left = this.headerCount; left > 0; left -= 1) {
      this.skip(this.varint());
      this.skip(Math.max(this.varint(), 0));
    }
  }

  private part(at: number, length: number): Buffer | null {
    return length < 0 ? null : this.bytes.subarray(at, at + length);
  }

  /** Moves past `length` bytes. @returns where they start */
  private skip(length: number): number {
    const start = this.at;
    if (length < 0 || length > this.end - start) {
      throw new MalformedRequestError(`${length} bytes wanted where ${this.end - start} are left`);
    }
    this.at = start + length;
    return start;
  }

  private byte(): number {
    if (this.at >= this.end) throw new MalformedRequestError('a record ends within a number');
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

  private varlong(): bigint {
    const start = this.at;
    let low = 0;
    for (let shift = 0; shift < LAST_VARINT_SHIFT; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1));
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
