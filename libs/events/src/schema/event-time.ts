const MILLISECONDS_PER_DAY = 86_400_000;

/** How far ahead of its receipt an event's time may be, because clocks of devices differ. */
export const MAX_CLOCK_AHEAD_MS = 5 * 60_000;

/** Default of `EVENTS_MAX_AGE_DAYS`, about five years. */
export const DEFAULT_MAX_AGE_DAYS = 1_830;

/** Maximum of `EVENTS_MAX_AGE_DAYS`. MDS has no timestamps before 2018, so a higher value would have no effect. */
export const HIGHEST_MAX_AGE_DAYS = 36_500;

/** Which event times are accepted. */
export interface EventTimeLimits {
  /** When the event was received, in milliseconds. */
  readonly receivedAtMs: number;
  /** Maximum age of an event at its receipt, in days: `EVENTS_MAX_AGE_DAYS`. */
  readonly maxAgeDays: number;
}

/**
 * Checks an event's time, in milliseconds, against the limits that ingest and batch share. Returns the rule that it breaks,
 * or `undefined` if the time is accepted.
 */
export function eventTimeRule(
  eventTimeMs: number,
  { receivedAtMs, maxAgeDays }: EventTimeLimits,
): string | undefined {
  if (eventTimeMs > receivedAtMs + MAX_CLOCK_AHEAD_MS) {
    return `must not be more than ${MAX_CLOCK_AHEAD_MS / 60_000} minutes after its receipt`;
  }
  if (eventTimeMs < receivedAtMs - maxAgeDays * MILLISECONDS_PER_DAY) {
    return `must not be more than ${maxAgeDays} days (EVENTS_MAX_AGE_DAYS) before its receipt`;
  }
  return undefined;
}
