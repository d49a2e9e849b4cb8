/** A rate in units per second, with a burst: as many units as may be used at once after a pause. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * A token bucket. It is checked before the cost of a request is known: a request is accepted if a token is left, and may cost
 * more than that. The next one is accepted after the debt has been repaid.
 */
export class TokenBucket {
  private tokens: number;

  /** Times are monotonic, in milliseconds. */
  constructor(
    private readonly limit: RateLimit,
    private filledAt: number,
  ) {
    this.tokens = limit.burst;
  }

  /** How many units may be used now; 0 or less if none. */
  remaining(now: number): number {
    const filled = this.tokens + ((now - this.filledAt) * this.limit.perSecond) / 1_000;
    this.tokens = Math.min(this.limit.burst, filled);
    this.filledAt = now;
    return this.tokens;
  }

  take(units: number, now: number): void {
    this.tokens = this.remaining(now) - units;
  }

  /** How long until a token is left. */
  waitMs(now: number): number {
    return Math.max(0, ((1 - this.remaining(now)) * 1_000) / this.limit.perSecond);
  }

  /** How long until the bucket is full. */
  fullInMs(now: number): number {
    return ((this.limit.burst - this.remaining(now)) * 1_000) / this.limit.perSecond;
  }
}
