import { isCrumbled } from '@hailstream/service/fragments';

/** A frame that is larger than the limit, has a negative size, or arrives in many small pieces. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const EMPTY = Buffer.alloc(0);
const LENGTH_BYTES = 4;
/** Memory of a frame before its first bytes. More is acquired as bytes arrive: at most twice as much as have arrived. */
const FIRST_BYTES = 256 << 10;

/** Where the memory of frames comes from. */
export interface FrameMemory {
  /** @returns a buffer with arbitrary contents */
  acquire(length: number): Buffer;
  /** Returns a buffer that is not used any more. */
  release(buffer: Buffer): void;
}

const NEW_MEMORY: FrameMemory = { acquire: Buffer.allocUnsafe, release: () => undefined };

/**
 * Splits a stream of bytes into frames: an int32 size, then as many bytes. A frame is one contiguous buffer, so that its
 * batches are appended to the log without another copy.
 */
export class FrameSplitter {
  private readonly lengthBytes = Buffer.alloc(LENGTH_BYTES);
  private lengthFilled = 0;
  private frame: Buffer = EMPTY;
  private filled = 0;
  private pieces = 0;
  private wanted = -1;

  /** @param onFrame owns the frame, which is from `memory` */
  constructor(
    private readonly maxBytes: () => number,
    private readonly onFrame: (frame: Buffer) => void,
    private readonly memory: FrameMemory = NEW_MEMORY,
  ) {}

  /** Whether a frame has arrived in part. */
  get isPartial(): boolean {
    return this.lengthFilled > 0 || this.wanted >= 0;
  }

  /** Memory of a frame that has arrived in part: more than its bytes, which may be few. */
  get partialBytes(): number {
    return this.frame.length;
  }

  /** @param chunk is copied @throws FrameError if a size is invalid, or pieces are too small */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.wanted < 0) {
        at += this.takeLength(chunk, at);
        continue;
      }
      const length = Math.min(this.wanted - this.filled, chunk.length - at);
      this.makeRoom(length);
      chunk.copy(this.frame, this.filled, at, at + length);
      this.pieces++;
      this.filled += length;
      at += length;
      if (this.filled === this.wanted) this.finish();
      else if (isCrumbled({ fragments: this.pieces, bytes: this.filled })) {
        throw new FrameError(`${this.filled} bytes of a request arrived in ${this.pieces} pieces`);
      }
    }
  }

  private takeLength(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.lengthBytes, this.lengthFilled, at, at + LENGTH_BYTES - this.lengthFilled);
    this.lengthFilled += copied;
    if (this.lengthFilled < LENGTH_BYTES) return copied;
    const length = this.lengthBytes.readInt32BE();
    const most = this.maxBytes();
    if (length < 0 || length > most) {
      throw new FrameError(`invalid request size ${length}: at most ${most} bytes are accepted`);
    }
    this.lengthFilled = 0;
    this.wanted = length;
    if (length === 0) this.finish();
    return copied;
  }

  private makeRoom(length: number): void {
    const { frame, filled, wanted, memory } = this;
    if (filled + length <= frame.length) return;
    this.frame = memory.acquire(Math.min(wanted, Math.max(FIRST_BYTES, 2 * (filled + length))));
    frame.copy(this.frame, 0, 0, filled);
    if (frame.length > 0) memory.release(frame);
  }

  private finish(): void {
    const { frame } = this;
    this.frame = EMPTY;
    this.filled = 0;
    this.pieces = 0;
    this.wanted = -1;
    this.onFrame(frame);
  }
}
