import type { Contact } from '@hailstream/events/live';

/** A vehicle without an event for this long, by event time against the service's clock, is stale. */
export const STALE_AFTER_MS = 60_000;

/** A vehicle without an event for this long is silent: it is counted, but not drawn. */
export const SILENT_AFTER_MS = 600_000;

/** The contact of a vehicle whose newest event is of `heardAt`. An event of the future counts as live: clocks differ. */
export function contactAt(heardAt: number | null, now: number): Contact {
  if (heardAt === null || now - heardAt >= SILENT_AFTER_MS) return 'silent';
  return now - heardAt >= STALE_AFTER_MS ? 'stale' : 'live';
}
