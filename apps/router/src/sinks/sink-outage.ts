import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';

/** Failures of deliveries without a success between them after which the sink counts as down. */
const DOWN_AFTER_FAILURES = 2;
const CHECK_BACKOFF = { firstMs: 200, maxMs: 30_000 };

interface SinkOutageOptions {
  /** Checks the sink without delivering anything. @throws Error if it is down */
  check(): Promise<void>;
  /** Deliveries should stop until {@link onUp}. */
  onDown(): void;
  /** The sink may be up: the check succeeded, or a delivery that was in progress. */
  onUp(): void;
  /** A check failed. */
  onFailed(error: Error): void;
}

/**
 * Notices when a sink is down, and checks it until it is up: to read and encode batches that it cannot accept would cost other
 * jobs as much processor time as to deliver them. The backoff continues to grow if deliveries fail although the checks succeed.
 */
export class SinkOutage implements Disposable {
  private readonly stop = new AbortController();
  private failures = 0;
  private checks = 0;
  private up: AbortController | undefined;

  constructor(private readonly options: SinkOutageOptions) {}

  get isDown(): boolean {
    return this.up !== undefined;
  }

  /** Resolves when the sink is not down, or the signal is aborted: the caller looks at the signal. */
  async untilUp(signal: AbortSignal): Promise<void> {
    while (this.up && !signal.aborted) await sleep(Infinity, AbortSignal.any([this.up.signal, signal]));
  }

  /** A delivery succeeded. */
  succeeded(): void {
    this.failures = 0;
    this.checks = 0;
    if (this.up) this.end(this.up);
  }

  /** A delivery failed. */
  failed(): void {
    if (this.isDown || this.stop.signal.aborted) return;
    this.failures += 1;
    if (this.failures < DOWN_AFTER_FAILURES) return;
    this.up = new AbortController();
    this.options.onDown();
    void this.checkUntilUp(this.up);
  }

  /** A check in progress has no effect any more. A sink that is down stays so. */
  [Symbol.dispose](): void {
    this.stop.abort();
  }

  private async checkUntilUp(up: AbortController): Promise<void> {
    const signal = AbortSignal.any([up.signal, this.stop.signal]);
    do {
      await sleep(withJitter(backoffMs(this.checks, CHECK_BACKOFF)), signal);
      this.checks += 1;
    } while (!signal.aborted && !(await this.succeeds()));
    if (!this.stop.signal.aborted) this.end(up);
  }

  private end(up: AbortController): void {
    // A delivery may have ended it while the sink was checked.
    if (up.signal.aborted) return;
    this.up = undefined;
    this.failures = 0;
    up.abort();
    this.options.onUp();
  }

  private async succeeds(): Promise<boolean> {
    try {
      await this.options.check();
      return true;
    } catch (error) {
      if (!this.stop.signal.aborted) this.options.onFailed(error as Error);
      return false;
    }
  }
}
