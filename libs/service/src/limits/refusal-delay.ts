import { TokenBucket } from './token-bucket.js';

/** Refusals of one caller that are not delayed. */
const IMMEDIATE = { perSecond: 100, burst: 100 };

/** Shorter than callers are asked to wait before they retry. */
const DELAY_MS = 500;

/**
 * How long the refusals of one caller are delayed. Receiving a small request and refusing it costs nearly as much as serving
 * it. A caller that sends its next request after each response is slowed down to what refusing may cost.
 */
export class RefusalDelay {
  private readonly immediate: TokenBucket;

  /** @param now monotonic time in milliseconds */
  constructor(now: number) {
    this.immediate = new TokenBucket(IMMEDIATE, now);
  }

  /** Counts a refusal. Returns how long it is delayed. */
  nextMs(now: number): number {
    if (this.immediate.remaining(now) < 1) return DELAY_MS;
    this.immediate.take(1, now);
    return 0;
  }

  /** Whether it does not differ from a new one. */
  isUnused(now: number): boolean {
    return this.immediate.fullInMs(now) <= 0;
  }
}
