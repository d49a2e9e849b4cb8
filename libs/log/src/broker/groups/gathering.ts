/**
 * Members of a group that starts come one after another: the first of them wait for the others, so that there is one
 * rebalance and not one each. Whoever comes meanwhile makes it longer, up to a bound.
 */
export class Gathering {
  private timer: NodeJS.Timeout | undefined;
  private leftMs = 0;
  private cameLate = false;

  get isUnderWay(): boolean {
    return this.timer !== undefined;
  }

  /** Waits `delayMs`, and again for those who come, at most `longestMs`; none: nothing is waited for. */
  start({ delayMs, longestMs }: { delayMs: number; longestMs: number }, done: () => void): void {
    this.stop();
    if (delayMs === 0) return;
    this.leftMs = longestMs;
    const wait = () => {
      const ms = Math.min(delayMs, this.leftMs);
      this.leftMs -= ms;
      this.cameLate = false;
      this.timer = setTimeout(() => {
        if (this.cameLate && this.leftMs > 0) return wait();
        this.timer = undefined;
        done();
      }, ms).unref();
    };
    wait();
  }

  /** Someone else came. */
  extend(): void {
    this.cameLate = true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
