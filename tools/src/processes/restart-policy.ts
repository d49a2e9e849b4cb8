import { backoffMs } from '@hailstream/service/backoff';

/** Unexpected exits of one process before the system gives up. */
export const MAX_RESTARTS = 5;
/** Period in which exits are counted. */
export const RESTART_WINDOW_MS = 60_000;
/** Waits before a process is started again: doubled with each exit in the window. */
const RESTART_BACKOFF = { firstMs: 200, maxMs: 3_200 };

type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly ends: number };

/** Decides what to do after a process has exited; `endedAt` has the times of its exits, oldest first, including this one. */
export function decideRestart(endedAt: readonly number[], now: number): RestartDecision {
  const recent = endedAt.filter((time) => time > now - RESTART_WINDOW_MS).length;
  if (recent > MAX_RESTARTS) return { kind: 'give-up', ends: recent };
  return { kind: 'restart', delayMs: backoffMs(recent - 1, RESTART_BACKOFF) };
}
