const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** Milliseconds to wait before retry number `attempt` (from 1): doubled each time, up to a maximum. */
export function retryDelayMs(attempt: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
}
