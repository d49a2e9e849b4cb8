import { backoffMs, withJitter } from '@hailstream/service/backoff';

const BACKOFF = { firstMs: 100, maxMs: 5_000 };

/** Maximum accepted value of `Retry-After`. */
const MAX_REQUESTED_MS = 30_000;

/** How long to wait after this many consecutive failures; at least as long as ingest asked for. */
export function retryDelayMs(failures: number, random: () => number, requestedMs = 0): number {
  return Math.max(
    withJitter(backoffMs(failures - 1, BACKOFF), random),
    Math.min(requestedMs, MAX_REQUESTED_MS),
  );
}
