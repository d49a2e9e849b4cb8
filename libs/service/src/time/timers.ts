/** Maximum delay of one Node timer, in milliseconds (24.8 days): with a longer one Node fires after 1 ms. */
export const MAX_NODE_TIMER_MS = 2 ** 31 - 1;

/** A timer that was set with {@link setLongTimeout} or {@link setLongInterval}. */
export interface LongTimer {
  /** Stops the timer. A second call does nothing. */
  clear(): void;
  /** Lets the process exit while the timer is pending. */
  unref(): this;
}

/**
 * Calls `callback` once after `delayMs`, which may be any number of milliseconds, `Infinity` (never) included. Counts
 * monotonic time.
 *
 * @throws RangeError if `delayMs` is NaN
 */
export function setLongTimeout(callback: () => void, delayMs: number): LongTimer {
  return new ChainedTimer(callback, delayMs, false);
}

/**
 * Calls `callback` every `delayMs`, which may be any number of milliseconds from 1, `Infinity` (never) included.
 * Counts monotonic time.
 *
 * @throws RangeError if `delayMs` is NaN
 */
export function setLongInterval(callback: () => void, delayMs: number): LongTimer {
  return new ChainedTimer(callback, Math.max(1, delayMs), true);
}

/**
 * Resolves after `delayMs`, which may be any number of milliseconds, `Infinity` (only when aborted) included, or as
 * soon as `signal` is aborted: the caller looks at the signal. Leaves no listener behind.
 *
 * @throws RangeError if `delayMs` is NaN
 */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.clear();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setLongTimeout(end, delayMs);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Node timers in a row, each within what one of them can wait. */
class ChainedTimer implements LongTimer {
  private timer: NodeJS.Timeout | undefined;
  private isRef = true;
  private remainingMs: number;

  constructor(
    private readonly callback: () => void,
    private readonly delayMs: number,
    private readonly repeats: boolean,
  ) {
    if (Number.isNaN(delayMs)) throw new RangeError('the delay of a timer must be a number of milliseconds');
    this.remainingMs = delayMs;
    this.arm();
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  unref(): this {
    this.isRef = false;
    this.timer?.unref();
    return this;
  }

  private arm(): void {
    const partMs = Math.min(this.remainingMs, MAX_NODE_TIMER_MS);
    this.timer = setTimeout(() => {
      this.remainingMs -= partMs;
      this.elapse();
    }, partMs);
    if (!this.isRef) this.timer.unref();
  }

  private elapse(): void {
    if (this.remainingMs > 0) {
      this.arm();
      return;
    }
    this.timer = undefined;
    if (this.repeats) {
      this.remainingMs = this.delayMs;
      // Before the callback, so that the callback can clear it.
      this.arm();
    }
    this.callback();
  }
}
