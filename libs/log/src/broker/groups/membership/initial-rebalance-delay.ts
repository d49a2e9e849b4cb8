/**
 * Delays the first rebalance of an empty group, so that members that start one after another cause one rebalance instead
 * of one each. Every member that joins during the delay extends it, up to a limit
 * (`group.initial.rebalance.delay.ms`).
 */
export class InitialRebalanceDelay {
  private timer: NodeJS.Timeout | undefined;
  private remainingMs = 0;
  private joinedDuringDelay = false;

  get isActive(): boolean {
    return this.timer !== undefined;
  }

  /** Waits `delayMs`, and again after members joined, `maxMs` in total. With a delay of 0 it does not wait. */
  start({ delayMs, maxMs }: { delayMs: number; maxMs: number }, done: () => void): void {
    this.stop();
    if (delayMs === 0) return;
    this.remainingMs = maxMs;
    const wait = () => {
      const ms = Math.min(delayMs, this.remainingMs);
      this.remainingMs -= ms;
      this.joinedDuringDelay = false;
      this.timer = setTimeout(() => {
        if (this.joinedDuringDelay && this.remainingMs > 0) return wait();
        this.timer = undefined;
        done();
      }, ms).unref();
    };
    wait();
  }

  /** Another member joined. */
  extend(): void {
    this.joinedDuringDelay = true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
