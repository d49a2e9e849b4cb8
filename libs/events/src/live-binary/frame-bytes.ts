import { LiveFrameError } from './live-frame-error.js';

const FIRST_SIZE_BYTES = 1_024;

/** The longest varint that is exact in a JavaScript number. */
const MAX_VARINT_BYTES = 7;

const UUID_BYTES = 16;

/** Where the text of a UUID has its digits, two for each byte. */
const DIGITS_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Appends the values of a frame to growing bytes. Numbers are little-endian. */
export class FrameWriter {
  private bytes = new Uint8Array(FIRST_SIZE_BYTES);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  uint8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  uint16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  int32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value, true);
    this.length += 4;
  }

  /** A whole number from 0 to 2^49 - 1: seven bits in each byte, the lowest first; the highest bit is set if more follow. */
  varint(value: number): void {
    this.reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  /** A whole number of either sign as a varint: 0, -1, 1, -2, … are 0, 1, 2, 3, … */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** @throws RangeError if the text is not a UUID in lower case */
  uuid(text: string): void {
    if (!UUID.test(text)) throw new RangeError(`expected a UUID in lower case, got "${text}"`);
    this.reserve(UUID_BYTES);
    for (const at of DIGITS_AT) this.bytes[this.length++] = Number.parseInt(text.slice(at, at + 2), 16);
  }

  /** Its size in bytes as a varint, and its UTF-8. */
  text(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.varint(utf8.length);
    this.reserve(utf8.length);
    this.bytes.set(utf8, this.length);
    this.length += utf8.length;
  }

  /** Returns what was written. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(sizeBytes: number): void {
    if (this.length + sizeBytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + sizeBytes));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Reads what `FrameWriter` has written. Every method throws LiveFrameError if the bytes end early. */
export class FrameReader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(): number {
    return this.bytes[this.advance(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count += 1) {
      const byte = this.uint8();
      if (byte < 0x80) return value + byte * factor;
      value += (byte - 0x80) * factor;
      factor *= 0x80;
    }
    throw new LiveFrameError('MALFORMED', `a varint has more than ${MAX_VARINT_BYTES} bytes`);
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  uuid(): string {
    let text = '';
    const start = this.advance(UUID_BYTES);
    for (let index = 0; index < UUID_BYTES; index += 1) {
      if (index === 4 || index === 6 || index === 8 || index === 10) text += '-';
      text += hexOfByte[this.bytes[start + index]!];
    }
    return text;
  }

  text(): string {
    const sizeBytes = this.varint();
    const start = this.advance(sizeBytes);
    return new TextDecoder().decode(this.bytes.subarray(start, start + sizeBytes));
  }

  /** The number of items that follow, each of at least `itemBytes`: more than the bytes can have are rejected at once. */
  count(itemBytes: number): number {
    const count = this.varint();
    if (count * itemBytes > this.bytes.length - this.at) throw truncated();
    return count;
  }

  get remainingBytes(): number {
    return this.bytes.length - this.at;
  }

  private advance(sizeBytes: number): number {
    const start = this.at;
    if (start + sizeBytes > this.bytes.length) throw truncated();
    this.at = start + sizeBytes;
    return start;
  }
}

function truncated(): LiveFrameError {
  return new LiveFrameError('TRUNCATED', 'the bytes end within the frame');
}
