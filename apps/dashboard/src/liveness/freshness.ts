/** Data is `late` if the newest event is older than the first limit, and `old` beyond the second. */
export const LATE_AFTER_MS = 5_000;
export const OLD_AFTER_MS = 30_000;

export type Freshness = 'fresh' | 'late' | 'old';

/**
 * Milliseconds since the newest event. Each clock is compared only with itself: the time that passed at the service until it
 * created the frame, plus the time that passed in the browser since. The browser's monotonic clock may stop while the
 * computer sleeps, and its time of day may be set: the larger of the two elapsed times counts.
 */
export function ageOfNewestEvent(
  frame: { newestEventAt: number; asOf: number; receivedAt: number; receivedOn: number },
  now: { readonly monotonic: number; readonly date: number },
): number {
  const sinceFrame = Math.max(0, now.monotonic - frame.receivedAt, now.date - frame.receivedOn);
  return Math.max(0, frame.asOf - frame.newestEventAt) + sinceFrame;
}

export function freshnessOf(ageMs: number): Freshness {
  if (ageMs > OLD_AFTER_MS) return 'old';
  return ageMs > LATE_AFTER_MS ? 'late' : 'fresh';
}
