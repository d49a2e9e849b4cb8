import { setLongTimeout, type LongTimer } from '@hailstream/service/timers';

/** A signal that is aborted after a time, or with another signal. */
export class TimeLimit implements Disposable {
  private readonly controller = new AbortController();
  private readonly timer: LongTimer;

  /** @param maxMs may be `Infinity` */
  constructor(
    private readonly outer: AbortSignal,
    maxMs: number,
  ) {
    this.timer = setLongTimeout(this.abort, maxMs);
    outer.addEventListener('abort', this.abort);
    if (outer.aborted) this.abort();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  [Symbol.dispose](): void {
    this.outer.removeEventListener('abort', this.abort);
    this.timer.clear();
  }

  private readonly abort = (): void => this.controller.abort();
}
