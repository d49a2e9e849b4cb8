import { performance } from 'node:perf_hooks';
import { TokenBucket, type RateLimit } from '@hailstream/service/token-bucket';

/** How many sign-ins may be completed in a row, and how many later. */
const LIMIT: RateLimit = { burst: 100, perSecond: 10 };

/** How many may wait for the provider at the same time. */
const MAX_CONCURRENT = 32;

/**
 * Limits what this service requests of the provider. Anybody can start to sign in, and each one that is completed is a request
 * to the provider; an attempt can be completed once.
 */
export class ExchangeLimit {
  private readonly bucket: TokenBucket;
  private running = 0;
  /** Attempts that were completed, and when they would have expired. At most as many as are allowed in that time. */
  private readonly used = new Map<string, number>();

  /** @param clock monotonic time in milliseconds */
  constructor(private readonly clock: () => number = () => performance.now()) {
    this.bucket = new TokenBucket(LIMIT, clock());
  }

  /** Whether an attempt was completed before. */
  isUsed(attempt: string): boolean {
    return this.used.has(attempt);
  }

  /** Returns whether the attempt may be completed now; then {@link end} must be called. */
  begin(attempt: { readonly state: string; readonly expiresAtMs: number }, now: number): boolean {
    const clock = this.clock();
    if (this.bucket.remaining(clock) < 1 || this.running >= MAX_CONCURRENT) return false;
    this.bucket.take(1, clock);
    this.running += 1;
    this.forget(now);
    this.used.set(attempt.state, attempt.expiresAtMs);
    return true;
  }

  end(): void {
    this.running -= 1;
  }

  private forget(now: number): void {
    for (const [state, expiresAtMs] of this.used) {
      // They expire about in the order in which they were completed.
      if (expiresAtMs > now) break;
      this.used.delete(state);
    }
  }
}
