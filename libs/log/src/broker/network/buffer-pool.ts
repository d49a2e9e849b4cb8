/** Buffers shorter than this are made anew each time, which costs little. */
const SMALLEST_BYTES = 16 << 10;
/** Longer ones are made anew, too: they are rare. */
const LARGEST_BYTES = 1 << 20;
/** Bytes kept for later, at most. */
const MAX_KEPT_BYTES = 32 << 20;

/** Buffers that are used again: memory fresh from the system costs page faults and hastens garbage collection. */
export class BufferPool {
  private readonly kept = new Map<number, Buffer[]>();
  private keptBytes = 0;

  /** @returns so many bytes, whatever is in them, that are the caller's until given back (or forgotten) */
  take(length: number): Buffer {
    const sizeBytes = sizeClass(length);
    if (sizeBytes === undefined) return Buffer.allocUnsafe(length);
    const kept = this.kept.get(sizeBytes)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(sizeBytes).subarray(0, length);
    this.keptBytes -= sizeBytes;
    return kept.subarray(0, length);
  }

  /** Takes back what `take` gave, which nobody must use any longer. */
  give(buffer: Buffer): void {
    const sizeBytes = sizeClass(buffer.length);
    if (sizeBytes === undefined || this.keptBytes + sizeBytes > MAX_KEPT_BYTES) return;
    this.keptBytes += sizeBytes;
    const whole = Buffer.from(buffer.buffer, buffer.byteOffset, sizeBytes);
    const alike = this.kept.get(sizeBytes);
    if (alike === undefined) this.kept.set(sizeBytes, [whole]);
    else alike.push(whole);
  }
}

/** The memory of one answer. */
export class Loan {
  private readonly taken: Buffer[] = [];

  constructor(private readonly pool: BufferPool) {}

  /** @returns so many bytes, whatever is in them */
  readonly take = (length: number): Buffer => {
    const buffer = this.pool.take(length);
    this.taken.push(buffer);
    return buffer;
  };

  /** Gives everything back that was taken so far: nobody must use it any longer. */
  giveBack(): void {
    for (const buffer of this.taken.splice(0)) this.pool.give(buffer);
  }
}

/** The power of two that holds so many bytes, where such buffers are kept. */
function sizeClass(length: number): number | undefined {
  if (length < SMALLEST_BYTES || length > LARGEST_BYTES) return undefined;
  return 2 ** Math.ceil(Math.log2(length));
}
