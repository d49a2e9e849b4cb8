import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Meter } from '../../metrics/meter.js';
import type { DiskObserver } from './pooled-file.js';

/** A sync that takes longer is told of: what is acknowledged is at risk for as long. */
const SLOW_SYNC_SECONDS = 1;

/** Whether the disk takes what is written, and says when that changes. */
export class DiskHealth implements DiskObserver {
  private failure: { readonly error: Error; readonly sinceMs: number; count: number } | undefined;

  constructor(
    private readonly limitedLogger: RateLimitedLogger,
    private readonly meter: Meter,
  ) {}

  /** @throws Error that says what is wrong */
  check(): void {
    if (this.failure !== undefined)
      throw new Error(`the log can't be written: ${this.failure.error.message}`);
  }

  synced(seconds: number): void {
    this.meter.synced(seconds);
    if (seconds >= SLOW_SYNC_SECONDS) this.limitedLogger.warn({ seconds }, 'the disk is slow to sync');
  }

  failed(error: unknown): void {
    this.meter.writeFailed();
    if (this.failure === undefined) {
      this.failure = { error: error as Error, sinceMs: performance.now(), count: 0 };
      const message =
        (error as NodeJS.ErrnoException).code === 'ENOSPC'
          ? 'the disk is full: producers get an error until there is room'
          : 'the disk fails: producers get an error until it works again';
      this.limitedLogger.error({ err: error }, message);
    }
    this.failure.count++;
  }

  wrote(): void {
    if (this.failure === undefined) return;
    const { count, sinceMs } = this.failure;
    this.failure = undefined;
    const forMs = Math.round(performance.now() - sinceMs);
    this.limitedLogger.warn({ failures: count, forMs }, 'the disk works again');
  }
}
