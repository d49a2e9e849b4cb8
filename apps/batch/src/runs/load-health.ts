/** Failures in a row after which loads count as not working, if they have also gone on for so long. */
export const UNREADY_FAILURES = 3;
export const UNREADY_AFTER_MS = 60_000;

export interface LoadFailure {
  readonly reason: string;
  /** Whether a later load may succeed without anybody doing something. */
  readonly passesByItself: boolean;
}

/**
 * Whether loads make progress. They do not if the last one failed for a reason that somebody has to resolve, or if
 * {@link UNREADY_FAILURES} or more have failed in a row, the first of them at least {@link UNREADY_AFTER_MS} ago: less
 * than that is an outage that passes. One load that succeeds resolves both. Pure.
 */
export class LoadHealth {
  private failures = 0;
  private firstFailedAtMs = 0;
  private last: LoadFailure | undefined;

  succeeded(): void {
    this.failures = 0;
    this.last = undefined;
  }

  failed(failure: LoadFailure, nowMs: number): void {
    if (this.failures === 0) this.firstFailedAtMs = nowMs;
    this.failures += 1;
    this.last = failure;
  }

  /** @throws Error with the reason if loads do not make progress */
  check(nowMs: number): void {
    const { last, failures } = this;
    if (last === undefined) return;
    if (!last.passesByItself) throw new Error(`loads fail until somebody resolves it: ${last.reason}`);
    const seconds = Math.floor((nowMs - this.firstFailedAtMs) / 1_000);
    if (failures < UNREADY_FAILURES || nowMs - this.firstFailedAtMs < UNREADY_AFTER_MS) return;
    throw new Error(`${failures} loads have failed in a row, the first ${seconds} s ago: ${last.reason}`);
  }
}
