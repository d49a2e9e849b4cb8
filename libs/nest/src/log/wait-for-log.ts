import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';

const BACKOFF = { firstMs: 200, maxMs: 3_000 };

/**
 * Calls `attempt` until it succeeds, with waits of 200 ms to 3 s in between, and resolves to its result; to `null` once
 * `signal` is aborted. `onFailure` gets each error and the wait until the next attempt; what it throws ends the waiting.
 */
export async function waitForLog<T>(
  attempt: () => Promise<T>,
  options: {
    readonly signal: AbortSignal;
    readonly onFailure: (error: Error, retryMs: number) => void;
  },
): Promise<T | null> {
  const { signal, onFailure } = options;
  for (let retry = 0; !signal.aborted; retry += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) return null;
      const retryMs = backoffMs(retry, BACKOFF);
      onFailure(error instanceof Error ? error : new Error(String(error)), retryMs);
      await sleep(retryMs, signal);
    }
  }
  return null;
}
