import { isCrumbled } from '@hailstream/service/fragments';

/** A frame that is larger than the limit, has a negative size, or arrives in many small pieces. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const LENGTH_BYTES = 4;

/**
 * Splits a stream of bytes into frames: an int32 size, then as many bytes. A frame is one contiguous buffer, so that its
 * batches are appended to the log without another copy. Memory is allocated as bytes arrive.
 */
export class FrameSplitter {
  private readonly lengthBytes = Buffer.alloc(LENGTH_BYTES);
  private lengthFilled = 0;
  private pieces: Buffer[] = [];
  private filled = 0;
  private wanted = -1;

  constructor(
    private readonly maxBytes: () => number,
    private readonly onFrame: (frame: Buffer) => void,
  ) {}

  /** Whether a frame has arrived in part. */
  get isPartial(): boolean {
    return this.lengthFilled > 0 || this.wanted >= 0;
  }

  /** Bytes of a frame that has arrived in part. */
  get partialBytes(): number {
    return this.filled;
  }

  /** @param chunk is retained: frames may be parts of it. @throws FrameError if a size is invalid, or pieces are too small */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.wanted < 0) {
        at += this.takeLength(chunk, at);
        continue;
      }
      const piece = chunk.subarray(at, at + this.wanted - this.filled);
      this.pieces.push(piece);
      this.filled += piece.length;
      at += piece.length;
      if (this.filled === this.wanted) this.finish();
      else if (isCrumbled({ fragments: this.pieces.length, bytes: this.filled })) {
        throw new FrameError(`${this.filled} bytes of a request arrived in ${this.pieces.length} pieces`);
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

  private finish(): void {
    const frame =
      this.pieces.length === 1 ? (this.pieces[0] as Buffer) : Buffer.concat(this.pieces, this.filled);
    this.pieces = [];
    this.filled = 0;
    this.wanted = -1;
    this.onFrame(frame);
  }
}
