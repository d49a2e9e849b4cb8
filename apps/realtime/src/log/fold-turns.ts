import { performance } from 'node:perf_hooks';

/** Maximum time of folding in one turn of the event loop. */
const MAX_TURN_MS = 10;

/**
 * Bounds the time of folding per turn of the event loop, whatever the size of the batches and however many partitions have some:
 * ticks and connections are served in between. Those that wait continue in the order in which they have begun to wait, one per
 * turn.
 */
export class FoldTurns {
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
