import type { Contact } from '@hailstream/events/live';

/** Without a word for this long, by event time against the service's clock, a vehicle fades. */
export const STALE_AFTER_MS = 60_000;

/** Without a word for this long it is no longer drawn, and counted as silent. */
export const SILENT_AFTER_MS = 600_000;

/** How fresh a vehicle's newest event is. One from the future is fresh: clocks differ. */
export function contactAt(heardAt: number | null, now: number): Contact {
  if (heardAt === null || now - heardAt >= SILENT_AFTER_MS) return 'silent';
  return now - heardAt >= STALE_AFTER_MS ? 'stale' : 'live';
}
