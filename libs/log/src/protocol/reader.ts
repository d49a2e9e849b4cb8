/** A request that is not what its version says: its bytes end early, or a length in it is impossible. */
export class MalformedRequestError extends Error {
  override readonly name = 'MalformedRequestError';
}

/**
 * Reads Kafka's primitive types off a frame. Every length is checked against what is left before anything is made of
 * it, so a frame of N bytes never costs more than a small multiple of N.
 *
 * @see https://kafka.apache.org/protocol#protocol_types
 */
export class Reader {
  position: number;
  readonly end: number;

  constructor(
    readonly buffer: Buffer,
    /** Whether lengths are compact and structures end in tagged fields. */
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

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2));
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

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  /** An unsigned base-128 number of at most 32 bits. */
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

  /** A zigzag number of at most 32 bits. */
  varint(): number {
    const raw = this.unsignedVarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A zigzag number of at most 64 bits. */
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

  /** @returns the next bytes, borrowed from the frame */
  raw(length: number): Buffer {
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  string(): string {
    const text = this.nullableString();
    if (text === null) throw new MalformedRequestError('a string that must not be null is null');
    return text;
  }

  nullableString(): string | null {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length === -1) return null;
    const start = this.take(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** @returns borrowed from the frame */
  bytes(): Buffer {
    const bytes = this.nullableBytes();
    if (bytes === null) throw new MalformedRequestError('bytes that must not be null are null');
    return bytes;
  }

  /** @returns borrowed from the frame */
  nullableBytes(): Buffer | null {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
    return length === -1 ? null : this.raw(length);
  }

  /** @returns how many elements follow, or -1 for null */
  arrayLength(): number {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length < -1 || length > this.remaining) {
      throw new MalformedRequestError(`an array of ${length} elements in ${this.remaining} bytes`);
    }
    return length;
  }

  /** Skips the tagged fields at the end of a structure, where the version has them. */
  skipTaggedFields(): void {
    if (!this.flexible) return;
    const count = this.unsignedVarint();
    if (count > this.remaining) {
      throw new MalformedRequestError(`${count} tagged fields in ${this.remaining} bytes`);
    }
    for (let i = 0; i < count; i++) {
      this.unsignedVarint();
      this.take(this.unsignedVarint());
    }
  }

  /** Moves past `length` bytes. @returns where they start */
  private take(length: number): number {
    const start = this.position;
    if (length < 0 || length > this.end - start) {
      throw new MalformedRequestError(`${length} bytes wanted where ${this.end - start} are left`);
    }
    this.position = start + length;
    return start;
  }
}
