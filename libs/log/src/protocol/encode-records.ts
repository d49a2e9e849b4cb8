import type { BatchRecord } from './records.js';

/** Headers have UTF-8 names and values. Both may be empty, and a value may be null. */
type Encodable = Pick<BatchRecord, 'key' | 'value' | 'headers' | 'timestampDelta'>;

const NULL_LENGTH = -1;

/**
 * The uncompressed records of a batch, in one buffer of the exact size. Offset deltas start at 0.
 *
 * @see {@link RecordCursor} for the wire format of a record
 */
export function encodeRecords(records: readonly Encodable[]): Buffer {
  const sizes = records.map((record, index) => bodyBytes(record, index));
  const total = sizes.reduce((sum, size) => sum + varintBytes(size) + size, 0);
  const out = new Output(Buffer.allocUnsafe(total));
  records.forEach((record, index) => {
    out.varint(sizes[index]!);
    out.byte(0);
    out.varlong(record.timestampDelta);
    out.varint(index);
    out.bytes(record.key);
    out.bytes(record.value);
    out.varint(record.headers.length);
    for (const { key, value } of record.headers) {
      out.text(key);
      out.bytes(value);
    }
  });
  return out.buffer;
}

function bodyBytes({ timestampDelta, key, value, headers }: Encodable, index: number): number {
  let size = 1 + varlongBytes(timestampDelta) + varintBytes(index) + partBytes(key) + partBytes(value);
  size += varintBytes(headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    size += varintBytes(keyBytes) + keyBytes + partBytes(header.value);
  }
  return size;
}

function partBytes(part: Buffer | null): number {
  return part === null ? varintBytes(NULL_LENGTH) : varintBytes(part.length) + part.length;
}

function varintBytes(value: number): number {
  let raw = zigzag(value);
  let bytes = 1;
  for (; raw > 0x7f; raw >>>= 7) bytes += 1;
  return bytes;
}

function varlongBytes(value: bigint): number {
  if (isSmall(value)) return varintBytes(Number(value));
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

/** Whether the number fits into 32 bits. */
function isSmall(value: bigint): boolean {
  return value >= -0x8000_0000n && value <= 0x7fff_ffffn;
}

/** Writes into a buffer that is large enough. */
class Output {
  private at = 0;

  constructor(readonly buffer: Buffer) {}

  byte(value: number): void {
    this.buffer[this.at++] = value;
  }

  varint(value: number): void {
    let raw = zigzag(value);
    for (; raw > 0x7f; raw >>>= 7) this.byte((raw & 0x7f) | 0x80);
    this.byte(raw);
  }

  varlong(value: bigint): void {
    if (isSmall(value)) return this.varint(Number(value));
    let raw = zigzagLong(value);
    for (; raw > 0x7fn; raw >>= 7n) this.byte(Number(raw & 0x7fn) | 0x80);
    this.byte(Number(raw));
  }

  bytes(part: Buffer | null): void {
    this.varint(part === null ? NULL_LENGTH : part.length);
    if (part !== null) this.at += part.copy(this.buffer, this.at);
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.at += this.buffer.write(text, this.at, length, 'utf8');
  }
}
