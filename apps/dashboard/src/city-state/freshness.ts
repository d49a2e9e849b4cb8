/** Older than this and the picture is late; older than the next and it is wrong to rely on. */
export const LATE_AFTER_MS = 5_000;
export const OLD_AFTER_MS = 30_000;

export type Freshness = 'fresh' | 'late' | 'old';

/**
 * Milliseconds since the newest event. Clocks are only ever compared with themselves: what passed at the service until it
 * made the frame, and what passed here since. The browser's monotonic clock may stand still while the computer sleeps, and
 * its time of day may be set: the one by which more has passed counts.
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
