import { setTimeout as delay } from 'node:timers/promises';

export interface BackoffOptions {
  /** Wait before the first retry. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Wait before retry number `retry` (from 0): doubled each time, at most `maxMs`. */
export function backoffMs(retry: number, { firstMs, maxMs }: BackoffOptions): number {
  // Beyond 2^30 every sensible maximum has long been reached, and the power would become Infinity.
  return Math.min(maxMs, firstMs * 2 ** Math.min(retry, 30));
}

/** Spreads waits over 80 to 120 %, so that many clients do not come back in the same instant. */
export function withJitter(waitMs: number, random: () => number = Math.random): number {
  return waitMs * (0.8 + 0.4 * random());
}

/** Waits, or returns early once `signal` aborts. */
export async function pauseFor(waitMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(waitMs, undefined, signal ? { signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
