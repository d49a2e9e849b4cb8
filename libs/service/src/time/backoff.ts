/** How the waits of a retry loop grow. */
interface BackoffOptions {
  /** Wait before the first retry. */
  readonly firstMs: number;
  /** Maximum wait, before {@link withJitter}. */
  readonly maxMs: number;
}

/** Wait before retry number `retry` (from 0): doubled each time, at most `maxMs`. */
export function backoffMs(retry: number, { firstMs, maxMs }: BackoffOptions): number {
  // The maximum is reached long before 2^30, and a larger exponent would end at Infinity.
  return Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(0, retry), 30));
}

/** Spreads a wait over 80 to 120 %, so that clients that failed together do not retry at the same instant. */
export function withJitter(waitMs: number, random: () => number = Math.random): number {
  return waitMs * (0.8 + 0.4 * random());
}
