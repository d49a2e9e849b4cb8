import { performance } from 'node:perf_hooks';

/** Maximum time of work in one turn of the event loop. */
const MAX_TURN_MS = 10;

/**
 * Bounds the time of work of one kind per turn of the event loop, however long it is and however much is done at the same time:
 * ticks and connections are served in between. Those that wait continue in the order in which they have begun to wait, one per
 * turn.
 */
export class Turns {
  private readonly waiting: (() => void)[] = [];
  private isTimed = false;
  private endsAt = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether the time of this turn is used up. */
  get isOver(): boolean {
    if (!this.isTimed) this.start();
    return this.now() >= this.endsAt;
  }

  /** Resolves in a later turn. */
  next(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Runs steps to their end. */
  async run<T>(steps: Iterator<void, T>): Promise<T> {
    for (;;) {
      if (this.isOver) await this.next();
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  private start(): void {
    this.isTimed = true;
    this.endsAt = this.now() + MAX_TURN_MS;
    setImmediate(() => this.end());
  }

  private end(): void {
    this.isTimed = false;
    const resume = this.waiting.shift();
    if (resume === undefined) return;
    this.start();
    resume();
  }
}
