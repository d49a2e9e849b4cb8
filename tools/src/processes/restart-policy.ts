import { backoffMs } from '@hailstream/service/backoff';

/** How often one process may end by itself before the system gives up on it. */
export const MAX_RESTARTS = 5;
/** Within which those ends count. */
export const RESTART_WINDOW_MS = 60_000;
/** Waits before a process is started again: doubled with each exit in the window. */
const RESTART_BACKOFF = { firstMs: 200, maxMs: 3_200 };

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly ends: number };

/** What to do about a process that ended, now that it did: `endedAt` has when it ended, oldest first, this end too. */
export function decideRestart(endedAt: readonly number[], now: number): RestartDecision {
  const recent = endedAt.filter((time) => time > now - RESTART_WINDOW_MS).length;
  if (recent > MAX_RESTARTS) return { kind: 'give-up', ends: recent };
  return { kind: 'restart', delayMs: backoffMs(recent - 1, RESTART_BACKOFF) };
}
