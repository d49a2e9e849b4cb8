/** A request does not match its version: it is truncated, or contains an invalid length. */
export class MalformedRequestError extends Error {
  override readonly name = 'MalformedRequestError';
}

/**
 * Reads Kafka's primitive types from a frame. Each length is compared with the remaining bytes before memory is
 * allocated, so that the memory for a frame is proportional to its size.
 *
 * @see https://kafka.apache.org/protocol#protocol_types
 */
export class Reader {
  position: number;
  readonly end: number;
  /** Number of array elements and tagged fields that may still follow. Each becomes an object, also if it is one byte. */
  elementsLeft = Number.POSITIVE_INFINITY;

  constructor(
    readonly buffer: Buffer,
    /** Whether the version is flexible: lengths are compact, and structures end with tagged fields. */
    readonly flexible = false,
    readonly version = 0,
    start = 0,
    end = buffer.length,
  ) {
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4));
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  /** An unsigned varint of at most 32 bits. */
  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] as number;
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new MalformedRequestError('a varint is longer than 32 bits');
  }

  /** A zigzag varint of at most 32 bits. */
  varint(): number {
    const raw = this.unsignedVarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A zigzag varint of at most 64 bits. */
  varlong(): bigint {
    let raw = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1)] as number;
      if (shift === 63n && byte > 1) break;
      raw |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return (raw >> 1n) ^ -(raw & 1n);
    }
    throw new MalformedRequestError('a varlong is longer than 64 bits');
  }

  /** @returns the next bytes, a view of the frame */
  raw(length: number): Buffer {
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  string(): string {
    const text = this.nullableString();
    if (text === null) throw new MalformedRequestError('a string that is not nullable is null');
    return text;
  }

  nullableString(): string | null {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length === -1) return null;
    const start = this.take(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** @returns a view of the frame */
  bytes(): Buffer {
    const bytes = this.nullableBytes();
    if (bytes === null) throw new MalformedRequestError('bytes that are not nullable are null');
    return bytes;
  }

  /** @returns a view of the frame */
  nullableBytes(): Buffer | null {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
    return length === -1 ? null : this.raw(length);
  }

  /** @returns the number of elements that follow, or -1 for null */
  arrayLength(): number {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length < -1 || length > this.remaining) {
      throw new MalformedRequestError(`an array of ${length} elements in ${this.remaining} bytes`);
    }
    this.countElements(Math.max(length, 0));
    return length;
  }

  private countElements(count: number): void {
    this.elementsLeft -= count;
    if (this.elementsLeft < 0) throw new MalformedRequestError('too many array elements');
  }

  /** Skips the tagged fields at the end of a structure, if the version has them. */
  skipTaggedFields(): void {
    if (!this.flexible) return;
    const count = this.unsignedVarint();
    if (count > this.remaining) {
      throw new MalformedRequestError(`${count} tagged fields in ${this.remaining} bytes`);
    }
    this.countElements(count);
    for (let i = 0; i < count; i++) {
      this.unsignedVarint();
      this.take(this.unsignedVarint());
    }
  }

  /**
   * Advances by `length` bytes.
   * @returns the position before
   */
  private take(length: number): number {
    const start = this.position;
    if (length < 0 || length > this.end - start) {
      throw new MalformedRequestError(`expected ${length} bytes, ${this.end - start} remain`);
    }
    this.position = start + length;
    return start;
  }
}
