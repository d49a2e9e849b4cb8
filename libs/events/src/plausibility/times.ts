const HALF_HOUR_MS = 1_800_000;

/** Time zones differ from UTC by at most 14 hours. */
const MAX_OFFSET_MS = 14 * 3_600_000;

/** How much later than the offset an event may be received, and how much earlier because of clocks. */
const LATE_MS = 120_000;
const EARLY_MS = 20_000;

/**
 * Returns the offset of a time zone, in milliseconds, by which an event seems to be late because local time was sent as UTC;
 * negative if the event is ahead. `null` if the lateness is not close to such an offset.
 */
export function localTimeOffset(latenessMs: number): number | null {
  const offset = Math.floor((latenessMs + EARLY_MS) / HALF_HOUR_MS) * HALF_HOUR_MS;
  if (offset === 0 || Math.abs(offset) > MAX_OFFSET_MS) return null;
  return latenessMs - offset <= LATE_MS ? offset : null;
}
