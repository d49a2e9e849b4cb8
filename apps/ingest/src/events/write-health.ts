import { NotReadyError } from '@hailstream/service/not-ready';

/** Time for which nothing could be written after which ingest is not ready. */
export const UNREADY_AFTER_MS = 5_000;

/** Time after the last failure for which the failures count: without requests, there is nothing to do. */
export const FORGET_AFTER_MS = 10_000;

/** Tracks whether the log stores records. It may be reachable and refuse them, for example without enough in-sync replicas. */
export class WriteHealth {
  private failing: { readonly sinceMs: number; lastMs: number; reason: string } | undefined;

  succeeded(): void {
    this.failing = undefined;
  }

  /** Nothing of a request was stored. */
  failed(reason: string, nowMs: number): void {
    const isRecent = this.failing !== undefined && nowMs - this.failing.lastMs < FORGET_AFTER_MS;
    this.failing = { sinceMs: isRecent ? this.failing!.sinceMs : nowMs, lastMs: nowMs, reason };
  }

  /** @throws NotReadyError if nothing could be stored for some time, and it was tried recently */
  check(nowMs: number): void {
    const { failing } = this;
    if (failing === undefined || nowMs - failing.lastMs >= FORGET_AFTER_MS) return;
    if (failing.lastMs - failing.sinceMs < UNREADY_AFTER_MS) return;
    throw new NotReadyError(`the log stores no events: ${failing.reason}`, failing.sinceMs);
  }
}
