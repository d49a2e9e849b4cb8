const MILLISECONDS_PER_DAY = 86_400_000;

/** How far ahead of the clock that received it an event's time may be: the clocks of devices differ. */
export const MAX_CLOCK_AHEAD_MS = 5 * 60_000;

/** Default of `EVENTS_MAX_AGE_DAYS`, about five years. */
export const DEFAULT_MAX_AGE_DAYS = 1_830;

/** Highest `EVENTS_MAX_AGE_DAYS`. MDS has no timestamps before 2018, so that a higher one changes nothing. */
export const HIGHEST_MAX_AGE_DAYS = 36_500;

/** Which event times are accepted. */
export interface EventTimeLimits {
  /** When the event was received, in milliseconds. */
  readonly receivedAtMs: number;
  /** Age at that time beyond which an event is refused, in days: `EVENTS_MAX_AGE_DAYS`. */
  readonly maxAgeDays: number;
}

/**
 * Checks an event's time, in milliseconds, against the limits that ingest and batch share: what ingest accepts, batch
 * loads. Returns the rule that it breaks, and `undefined` if the time is accepted.
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
