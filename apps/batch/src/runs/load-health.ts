import { NotReadyError } from '@hailstream/service/not-ready';
import type { Clocks } from '../schedule/next-start.js';

/** Consecutive failures after which work counts as unhealthy, if the first of them is also this long ago. */
export const UNREADY_FAILURES = 3;
export const UNREADY_AFTER_MS = 60_000;

interface Failure {
  readonly reason: string;
  /** Whether a later attempt may succeed without intervention. */
  readonly isTransient: boolean;
}

/**
 * Tracks whether work that is repeated makes progress. It does not if the last attempt failed for a reason that requires
 * intervention, or if {@link UNREADY_FAILURES} or more have failed in a row and the first failed at least
 * {@link UNREADY_AFTER_MS} ago. A success resets both.
 */
export class LoadHealth {
  private count = 0;
  private firstFailedAtMs = 0;
  private last: Failure | undefined;

  /** @param attempts what is repeated, in the plural: `loads` */
  constructor(private readonly attempts: string) {}

  /** Failures since the last success. */
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

  /** @param nowMs monotonic time */
  failed(failure: Failure, nowMs: number): void {
    if (this.count === 0) this.firstFailedAtMs = nowMs;
    this.count += 1;
    this.last = failure;
  }

  /** @throws NotReadyError if no progress is made */
  check({ wallMs, monotonicMs }: Clocks): void {
    const { last, count, attempts } = this;
    if (last === undefined) return;
    const failingForMs = monotonicMs - this.firstFailedAtMs;
    const sinceMs = wallMs - failingForMs;
    if (!last.isTransient) {
      throw new NotReadyError(`${attempts} fail and require intervention: ${last.reason}`, sinceMs);
    }
    if (count < UNREADY_FAILURES || failingForMs < UNREADY_AFTER_MS) return;
    const seconds = Math.floor(failingForMs / 1_000);
    const message = `${count} consecutive ${attempts} failed, the first ${seconds} s ago: ${last.reason}`;
    throw new NotReadyError(message, sinceMs);
  }
}
