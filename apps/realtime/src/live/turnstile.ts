interface Waiting {
  readonly isGone: () => boolean;
  readonly enter: () => void;
}

interface TurnstileLimits {
  /** How many enter between two calls of {@link Turnstile.advance}. */
  readonly perTick: number;
  readonly maxWaiting: number;
}

/** Lets a bounded number enter per tick. The others wait for their turn, in the order of their arrival. */
export class Turnstile {
  private left: number;
  private waiting: Waiting[] = [];

  constructor(private readonly limits: TurnstileLimits) {
    this.left = limits.perTick;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /**
   * Calls `enter` now or at a later tick, unless `isGone` by then. Returns false, and does not call it, if too many wait.
   */
  request(entrant: Waiting): boolean {
    if (this.left > 0 && this.waiting.length === 0) {
      this.left -= 1;
      entrant.enter();
      return true;
    }
    const { maxWaiting } = this.limits;
    if (this.waiting.length >= maxWaiting) this.waiting = this.waiting.filter(({ isGone }) => !isGone());
    if (this.waiting.length >= maxWaiting) return false;
    this.waiting.push(entrant);
    return true;
  }

  /** Called with each tick. */
  advance(): void {
    this.left = this.limits.perTick;
    let served = 0;
    for (const { isGone, enter } of this.waiting) {
      if (this.left === 0) break;
      served += 1;
      if (isGone()) continue;
      this.left -= 1;
      enter();
    }
    this.waiting.splice(0, served);
  }
}
