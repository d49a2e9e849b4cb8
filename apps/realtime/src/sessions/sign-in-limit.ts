import { TokenBucket, type RateLimit } from '@hailstream/service/token-bucket';

/** How many sessions may be opened with a token in a row, and how many later. */
const LIMIT: RateLimit = { burst: 50, perSecond: 1 / 30 };

/** Limits the sessions of each token, because every one that is signed out is remembered until it would expire. */
export class SignInLimit {
  private readonly buckets = new Map<string, TokenBucket>();

  /**
   * Counts a session. Returns whether it is within the limit of its token.
   *
   * @param now monotonic time in milliseconds
   */
  allow(token: string, now: number): boolean {
    const bucket = this.buckets.get(token) ?? new TokenBucket(LIMIT, now);
    this.buckets.set(token, bucket);
    if (bucket.remaining(now) < 1) return false;
    bucket.take(1, now);
    return true;
  }

  /** Forgets tokens that were not used for long. */
  forget(now: number): void {
    for (const [token, bucket] of this.buckets) if (bucket.fullInMs(now) <= 0) this.buckets.delete(token);
  }
}
