const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** Milliseconds to wait before trying again for the `attempt`th time (from 1): doubles, up to a bound. */
export function retryDelayMs(attempt: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
}
