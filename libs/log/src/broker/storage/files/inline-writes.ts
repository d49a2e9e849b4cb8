import * as fs from 'node:fs';

/** Larger writes run on the thread pool, where several of them proceed in parallel. */
const MAX_BYTES = 4 << 10;
const MAX_BUFFERS = 64;
/** A write that took longer has waited for the disk. */
const SLOW_MS = 2;
/** How long writes go to the thread pool after a slow one. */
const BACKOFF_MS = 1_000;

/**
 * Small writes made on the event loop thread. They go to the page cache, which is faster than a round trip through the
 * thread pool. While a sync is in progress, and for a second after a slow write, writes go to the thread pool instead,
 * because they may block.
 */
export class InlineWrites {
  private syncsInProgress = 0;
  private backoffUntilMs = 0;

  /** Whether to write these buffers on the event loop thread. */
  shouldInline(buffers: readonly Buffer[]): boolean {
    if (buffers.length > MAX_BUFFERS || this.syncsInProgress > 0) return false;
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    return bytes <= MAX_BYTES && performance.now() >= this.backoffUntilMs;
  }

  /** Writes all buffers in order, starting at `position`. */
  write(fd: number, buffers: readonly Buffer[], position: number): void {
    const startedMs = performance.now();
    const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers);
    let written = 0;
    while (written < bytes.length) {
      written += fs.writeSync(fd, bytes, written, bytes.length - written, position + written);
    }
    const endedMs = performance.now();
    if (endedMs - startedMs > SLOW_MS) this.backoffUntilMs = endedMs + BACKOFF_MS;
  }

  /** Disables inline writes until the sync has completed. */
  async pausedDuring(sync: () => Promise<void>): Promise<void> {
    this.syncsInProgress++;
    try {
      await sync();
    } finally {
      this.syncsInProgress--;
    }
  }
}
