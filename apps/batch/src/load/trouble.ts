/** How often a trouble that lasts is told again. */
const TELL_AGAIN_MS = 60_000;

/** What fails again and again, so that the log says it once and not at every try. Pure. */
export class Trouble {
  private count = 0;
  private toldAtMs = Number.NEGATIVE_INFINITY;

  /** Failures since it began; 0 where there is none. */
  get failures(): number {
    return this.count;
  }

  /** Counts a failure. Returns whether it is to be told: it is the first, or nothing was told of them for a while. */
  failed(nowMs: number): boolean {
    this.count += 1;
    if (this.count > 1 && nowMs - this.toldAtMs < TELL_AGAIN_MS) return false;
    this.toldAtMs = nowMs;
    return true;
  }

  /** Returns how many failures it was; 0 where there was no trouble. */
  ended(): number {
    const failures = this.count;
    this.count = 0;
    return failures;
  }
}
