/** Shorter buffers are not pooled: allocating them costs little. */
const SMALLEST_BYTES = 16 << 10;
/** Longer buffers are not pooled: they are rare. */
const LARGEST_BYTES = 4 << 20;
/** Maximum number of bytes of unused buffers in the pool. */
const MAX_UNUSED_BYTES = 32 << 20;
/** Bytes of leased buffers above which responses are kept short. */
const MAX_LEASED_BYTES = 256 << 20;

/** Reuses buffers: newly allocated memory costs page faults and makes garbage collection more frequent. */
export class BufferPool {
  private readonly unused = new Map<number, Buffer[]>();
  private unusedBytes = 0;
  /** Bytes of the buffers of responses that are not sent yet. */
  leasedBytes = 0;

  constructor(readonly maxLeasedBytes = MAX_LEASED_BYTES) {}

  /** @returns a buffer with arbitrary contents, for the caller until it releases or drops it */
  acquire(length: number): Buffer {
    const sizeBytes = sizeClass(length);
    if (sizeBytes === undefined) return Buffer.allocUnsafe(length);
    const buffer = this.unused.get(sizeBytes)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(sizeBytes).subarray(0, length);
    this.unusedBytes -= sizeBytes;
    return buffer.subarray(0, length);
  }

  /** Returns a buffer to the pool. It must not be used afterwards. */
  release(buffer: Buffer): void {
    const sizeBytes = sizeClass(buffer.length);
    if (sizeBytes === undefined || this.unusedBytes + sizeBytes > MAX_UNUSED_BYTES) return;
    this.unusedBytes += sizeBytes;
    const whole = Buffer.from(buffer.buffer, buffer.byteOffset, sizeBytes);
    const alike = this.unused.get(sizeBytes);
    if (alike === undefined) this.unused.set(sizeBytes, [whole]);
    else alike.push(whole);
  }
}

/** The pooled buffers of one response. */
export class BufferLease {
  private readonly buffers: Buffer[] = [];
  private reservedBytes = 0;

  constructor(private readonly pool: BufferPool) {}

  /** Bytes that may be leased before the limit of all responses is reached. */
  get leftBytes(): number {
    return Math.max(0, this.pool.maxLeasedBytes - this.pool.leasedBytes);
  }

  /** @returns a buffer with arbitrary contents */
  readonly acquire = (length: number): Buffer => {
    const buffer = this.pool.acquire(length);
    this.buffers.push(buffer);
    const reserved = Math.min(this.reservedBytes, buffer.length);
    this.reservedBytes -= reserved;
    this.pool.leasedBytes += buffer.length - reserved;
    return buffer;
  };

  /** Counts bytes that are about to be acquired, so that responses that are read at the same time stay within the limit. */
  reserve(bytes: number): void {
    this.reservedBytes += bytes;
    this.pool.leasedBytes += bytes;
  }

  /** Ends the reservation of bytes that were not acquired. */
  unreserve(): void {
    this.pool.leasedBytes -= this.reservedBytes;
    this.reservedBytes = 0;
  }

  /** Returns all buffers to the pool. They must not be used afterwards. */
  release(): void {
    for (const buffer of this.takeAll()) this.pool.release(buffer);
  }

  /** Ends the lease without returning the buffers, which a socket may still have. */
  drop(): void {
    this.takeAll();
  }

  private takeAll(): Buffer[] {
    this.unreserve();
    for (const buffer of this.buffers) this.pool.leasedBytes -= buffer.length;
    return this.buffers.splice(0);
  }
}

/** Size of the pooled buffers that are used for a length; undefined if they are not pooled. */
function sizeClass(length: number): number | undefined {
  if (length < SMALLEST_BYTES || length > LARGEST_BYTES) return undefined;
  return 2 ** Math.ceil(Math.log2(length));
}
