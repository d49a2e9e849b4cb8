const FIRST_CHUNK_BYTES = 512;
/**
 * Byte strings of at least this length become separate chunks. Copying shorter ones is cheaper than another
 * chunk.
 */
const BORROW_FROM_BYTES = 1024;

/**
 * Writes Kafka's primitive types. Large byte strings are not copied: `finish` returns a list of chunks for one
 * vectored write.
 *
 * @see https://kafka.apache.org/protocol#protocol_types
 */
export class Writer {
  private chunks: Buffer[] = [];
  private finishedBytes = 0;
  private buffer: Buffer;
  private start = 0;
  private position = 0;

  constructor(
    /** Whether the version is flexible: lengths are compact, and structures end with tagged fields. */
    readonly flexible = false,
    readonly version = 0,
  ) {
    this.buffer = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  }

  get sizeBytes(): number {
    return this.finishedBytes + this.position - this.start;
  }

  int8(value: number): void {
    const at = this.reserve(1);
    this.buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.reserve(2);
    this.buffer.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.reserve(4);
    this.buffer.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.buffer.writeUInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.reserve(8);
    this.buffer.writeBigInt64BE(value, at);
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  unsignedVarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      const at = this.reserve(1);
      this.buffer[at] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    const at = this.reserve(1);
    this.buffer[at] = rest;
  }

  varint(value: number): void {
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  varlong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 0x7fn) {
      const at = this.reserve(1);
      this.buffer[at] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    const at = this.reserve(1);
    this.buffer[at] = Number(rest);
  }

  string(value: string): void {
    this.nullableString(value);
  }

  nullableString(value: string | null): void {
    if (value === null) {
      if (this.flexible) this.unsignedVarint(0);
      else this.int16(-1);
      return;
    }
    const length = Buffer.byteLength(value);
    if (this.flexible) this.unsignedVarint(length + 1);
    else this.int16(length);
    const at = this.reserve(length);
    this.buffer.write(value, at, 'utf8');
  }

  /** @param value must not change until the chunks were sent */
  nullableBytes(value: Buffer | null): void {
    this.nullableByteChunks(value === null ? null : [value]);
  }

  /** Writes one byte string that consists of several buffers, which must not change until the chunks were sent. */
  nullableByteChunks(pieces: readonly Buffer[] | null): void {
    const length = pieces === null ? -1 : pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (this.flexible) this.unsignedVarint(length + 1);
    else this.int32(length);
    for (const piece of pieces ?? []) this.raw(piece);
  }

  /** Appends bytes, which must not change until the chunks were sent. */
  raw(value: Buffer): void {
    if (value.length < BORROW_FROM_BYTES) {
      const at = this.reserve(value.length);
      value.copy(this.buffer, at);
      return;
    }
    this.closeChunk();
    this.chunks.push(value);
    this.finishedBytes += value.length;
  }

  /** Writes the number of elements that follow; -1 is null. */
  arrayLength(length: number): void {
    if (this.flexible) this.unsignedVarint(length + 1);
    else this.int32(length);
  }

  noTaggedFields(): void {
    if (this.flexible) this.unsignedVarint(0);
  }

  /** @returns all chunks in order. The writer must not be used afterwards. */
  finish(): Buffer[] {
    this.closeChunk();
    return this.chunks;
  }

  private closeChunk(): void {
    if (this.position === this.start) return;
    this.chunks.push(this.buffer.subarray(this.start, this.position));
    this.finishedBytes += this.position - this.start;
    this.start = this.position;
  }

  /**
   * Reserves space.
   * @returns its position in `buffer`. A growth replaces `buffer`, so read it after this call
   */
  private reserve(length: number): number {
    if (this.position + length > this.buffer.length) {
      const used = this.position - this.start;
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, used + length));
      this.buffer.copy(grown, 0, this.start, this.position);
      this.buffer = grown;
      this.start = 0;
      this.position = used;
    }
    const at = this.position;
    this.position += length;
    return at;
  }
}
