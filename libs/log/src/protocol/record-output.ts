import type { RecordHeader } from './records.js';

export const MAX_VARINT_BYTES = 5;
const NULL_LENGTH = -1;

/** Writes fields of records into a buffer, which {@link reserve} makes large enough. */
export class RecordOutput {
  protected buffer: Buffer;
  protected at = 0;

  constructor(sizeBytes: number) {
    this.buffer = Buffer.allocUnsafe(sizeBytes);
  }

  protected reserve(sizeBytes: number): void {
    const needed = this.at + sizeBytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, needed));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }

  protected varint(value: number): void {
    let raw = zigzag(value);
    for (; raw > 0x7f; raw >>>= 7) this.buffer[this.at++] = (raw & 0x7f) | 0x80;
    this.buffer[this.at++] = raw;
  }

  protected varlong(value: number | bigint): void {
    if (typeof value === 'number') return this.varint(value);
    let raw = zigzagLong(value);
    for (; raw > 0x7fn; raw >>= 7n) this.buffer[this.at++] = Number(raw & 0x7fn) | 0x80;
    this.buffer[this.at++] = Number(raw);
  }

  protected part(part: Buffer | null): void {
    this.varint(part === null ? NULL_LENGTH : part.length);
    if (part !== null) this.raw(part);
  }

  protected raw(bytes: Buffer): void {
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  protected text(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.at += this.buffer.write(text, this.at, length, 'utf8');
  }

  protected headers(headers: readonly RecordHeader[]): void {
    for (const { key, value } of headers) {
      this.text(key);
      this.part(value);
    }
  }
}

/** Bytes of headers in their wire format, without their number. */
export function headersBytes(headers: readonly RecordHeader[]): number {
  let size = 0;
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key);
    size += varintBytes(keyBytes) + keyBytes + partBytes(value);
  }
  return size;
}

export function partBytes(part: Buffer | null): number {
  return part === null ? 1 : varintBytes(part.length) + part.length;
}

export function varintBytes(value: number): number {
  const raw = zigzag(value);
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x20_0000) return 3;
  return raw < 0x1000_0000 ? 4 : MAX_VARINT_BYTES;
}

export function varlongBytes(value: number | bigint): number {
  if (typeof value === 'number') return varintBytes(value);
  let bytes = 1;
  for (let raw = zigzagLong(value); raw > 0x7fn; raw >>= 7n) bytes += 1;
  return bytes;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function zigzagLong(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
