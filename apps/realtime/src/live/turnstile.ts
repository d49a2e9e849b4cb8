import { hasRoom } from '../limits/callers.js';

interface Waiting {
  /** Of whom it is. Those of one wait for each other, not for those of others. */
  readonly of: string;
  readonly isGone: () => boolean;
  readonly enter: () => void;
}

interface TurnstileLimits {
  /** How many enter between two calls of {@link Turnstile.advance}. */
  readonly perTick: number;
  readonly maxWaiting: number;
  /**
   * Whether no more may enter now, whatever their number.
   *
   * @default never
   */
  readonly isExhausted?: () => boolean;
}

/** Lets a bounded number enter per tick. The others wait: those of one in the order of their arrival, and of several in turn. */
export class Turnstile {
  private left: number;
  /** The next ones are first. */
  private readonly queues = new Map<string, Waiting[]>();

  constructor(private readonly limits: TurnstileLimits) {
    this.left = limits.perTick;
  }

  get waitingCount(): number {
    let count = 0;
    for (const queue of this.queues.values()) count += queue.length;
    return count;
  }

  /**
   * Calls `enter` now or at a later tick, unless `isGone` by then. Returns false, and does not call it, if too many wait, or too
   * many of the same.
   */
  request(entrant: Waiting): boolean {
    if (this.mayEnter && this.queues.size === 0) {
      this.left -= 1;
      entrant.enter();
      return true;
    }
    if (!this.mayWait(entrant.of)) this.dropGone();
    if (!this.mayWait(entrant.of)) return false;
    const queue = this.queues.get(entrant.of);
    if (queue === undefined) this.queues.set(entrant.of, [entrant]);
    else queue.push(entrant);
    return true;
  }

  /** Called with each tick. */
  advance(): void {
    this.left = this.limits.perTick;
    while (this.mayEnter && this.queues.size > 0) {
      for (const [of, queue] of [...this.queues]) {
        if (!this.mayEnter) break;
        const at = queue.findIndex(({ isGone }) => !isGone());
        const [next] = at === -1 ? [] : queue.splice(0, at + 1).slice(-1);
        this.queues.delete(of);
        // Behind the others.
        if (next !== undefined && queue.length > 0) this.queues.set(of, queue);
        if (next === undefined) continue;
        this.left -= 1;
        next.enter();
      }
    }
  }

  private get mayEnter(): boolean {
    return this.left > 0 && this.limits.isExhausted?.() !== true;
  }

  private mayWait(of: string): boolean {
    const own = this.queues.get(of)?.length ?? 0;
    return hasRoom({ own, used: this.waitingCount, limit: this.limits.maxWaiting });
  }

  private dropGone(): void {
    for (const [of, queue] of [...this.queues]) {
      const waiting = queue.filter(({ isGone }) => !isGone());
      if (waiting.length === 0) this.queues.delete(of);
      else this.queues.set(of, waiting);
    }
  }
}
