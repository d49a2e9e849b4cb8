import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Meter } from '../../metrics/meter.js';
import type { DiskObserver } from './pooled-file.js';

/** Slower syncs are logged: acknowledged records may be lost in a power failure until then. */
const SLOW_SYNC_SECONDS = 1;

/** Whether writes succeed. Logs when they begin to fail and when they recover. */
export class DiskHealth implements DiskObserver {
  private failure: { readonly error: Error; readonly sinceMs: number; count: number } | undefined;

  constructor(
    private readonly limitedLogger: RateLimitedLogger,
    private readonly meter: Meter,
  ) {}

  /** @throws Error if the last write failed */
  check(): void {
    if (this.failure !== undefined) throw new Error(`write to the log failed: ${this.failure.error.message}`);
  }

  synced(seconds: number): void {
    this.meter.synced(seconds);
    if (seconds >= SLOW_SYNC_SECONDS) this.limitedLogger.warn({ seconds }, 'slow disk sync');
  }

  failed(error: unknown): void {
    this.meter.writeFailed();
    if (this.failure === undefined) {
      this.failure = { error: error as Error, sinceMs: performance.now(), count: 0 };
      const message =
        (error as NodeJS.ErrnoException).code === 'ENOSPC'
          ? 'disk full, producers get KAFKA_STORAGE_ERROR until space is available'
          : 'disk writes fail, producers get KAFKA_STORAGE_ERROR until they succeed';
      this.limitedLogger.error({ err: error }, message);
    }
    this.failure.count++;
  }

  wrote(): void {
    if (this.failure === undefined) return;
    const { count, sinceMs } = this.failure;
    this.failure = undefined;
    const forMs = Math.round(performance.now() - sinceMs);
    this.limitedLogger.warn({ failures: count, forMs }, 'disk writes succeed again');
  }
}
