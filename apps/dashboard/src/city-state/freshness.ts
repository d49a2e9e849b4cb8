/** Older than this and the picture is late; older than the next and it is wrong to rely on. */
const LATE_AFTER_MS = 5_000;
const OLD_AFTER_MS = 30_000;

export type Freshness = 'fresh' | 'late' | 'old';

/**
 * Milliseconds since the newest event. Both clocks are only ever compared with themselves: what passed at the service
 * until it made the frame, and what passed here since.
 */
export function ageOfNewestEvent(
  frame: { newestEventAt: number; asOf: number; receivedAt: number },
  now: number,
): number {
  return Math.max(0, frame.asOf - frame.newestEventAt) + Math.max(0, now - frame.receivedAt);
}

export function freshnessOf(ageMs: number): Freshness {
  if (ageMs > OLD_AFTER_MS) return 'old';
  return ageMs > LATE_AFTER_MS ? 'late' : 'fresh';
}
