import * as fs from 'node:fs';

/** Most bytes that are written promptly: larger writes gain from being made beside each other. */
const MAX_BYTES = 4 << 10;
const MAX_BUFFERS = 64;
/** A write that takes longer waited for the disk. */
const SLOW_MS = 2;
/** So long after that no write is made promptly. */
const REST_MS = 1_000;

/**
 * Small writes, made on this thread: they end in the system's memory, sooner than another thread could be told of them.
 * While the disk is at work, or was seen to hold writes up, they are better left to others.
 */
export class PromptWrites {
  private syncsUnderWay = 0;
  private restsUntilMs = 0;

  /** Whether so small a write should be made promptly now. */
  areWise(buffers: readonly Buffer[]): boolean {
    if (buffers.length > MAX_BUFFERS || this.syncsUnderWay > 0) return false;
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    return bytes <= MAX_BYTES && performance.now() >= this.restsUntilMs;
  }

  /** Writes all the buffers, one after another, from `position` on. */
  write(fd: number, buffers: readonly Buffer[], position: number): void {
    const startedMs = performance.now();
    const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers);
    let written = 0;
    while (written < bytes.length) {
      written += fs.writeSync(fd, bytes, written, bytes.length - written, position + written);
    }
    const endedMs = performance.now();
    if (endedMs - startedMs > SLOW_MS) this.restsUntilMs = endedMs + REST_MS;
  }

  /** Makes no write promptly until the sync is over. */
  async pausedDuring(sync: () => Promise<void>): Promise<void> {
    this.syncsUnderWay++;
    try {
      await sync();
    } finally {
      this.syncsUnderWay--;
    }
  }
}
