/** Consecutive failures after which loads count as unhealthy, if the first of them is also this long ago. */
export const UNREADY_FAILURES = 3;
export const UNREADY_AFTER_MS = 60_000;

interface LoadFailure {
  readonly reason: string;
  /** Whether a later load may succeed without intervention. */
  readonly isTransient: boolean;
}

/**
 * Tracks whether loads make progress. They do not if the last one failed for a reason that requires intervention, or if
 * {@link UNREADY_FAILURES} or more have failed in a row and the first failed at least {@link UNREADY_AFTER_MS} ago. A load
 * that succeeds resets both.
 */
export class LoadHealth {
  private count = 0;
  private firstFailedAtMs = 0;
  private last: LoadFailure | undefined;

  /** Failures since the last load that succeeded. */
  get failures(): number {
    return this.count;
  }

  /** Whether the last failure is transient; `true` if there is none. */
  get isTransient(): boolean {
    return this.last?.isTransient ?? true;
  }

  succeeded(): void {
    this.count = 0;
    this.last = undefined;
  }

  failed(failure: LoadFailure, nowMs: number): void {
    if (this.count === 0) this.firstFailedAtMs = nowMs;
    this.count += 1;
    this.last = failure;
  }

  /** @throws Error with the reason if loads do not make progress */
  check(nowMs: number): void {
    const { last, count } = this;
    if (last === undefined) return;
    if (!last.isTransient) throw new Error(`loads fail and require intervention: ${last.reason}`);
    const seconds = Math.floor((nowMs - this.firstFailedAtMs) / 1_000);
    if (count < UNREADY_FAILURES || nowMs - this.firstFailedAtMs < UNREADY_AFTER_MS) return;
    throw new Error(`${count} consecutive loads failed, the first ${seconds} s ago: ${last.reason}`);
  }
}
