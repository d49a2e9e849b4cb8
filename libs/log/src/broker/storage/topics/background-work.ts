import { setLongInterval, type LongTimer } from '@hailstream/service/timers';
import type { Logger } from 'pino';

/** Work that is done again and again, one after another. What fails is said, and tried again when its time comes. */
export class BackgroundWork {
  private timers: LongTimer[] = [];
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly logger: Logger) {}

  /** Work that still waits or runs when its time comes again is not queued twice. */
  every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    const timer = setLongInterval(() => {
      if (busy) return;
      busy = true;
      this.last = this.last
        .then(work)
        .catch((err: unknown) => {
          this.logger.error({ err }, 'background work on the log failed');
        })
        .finally(() => {
          busy = false;
        });
    }, ms);
    this.timers.push(timer.unref());
  }

  /** Begins nothing more. Resolves once what was begun is done. */
  async stop(): Promise<void> {
    for (const timer of this.timers) timer.clear();
    this.timers = [];
    await this.last;
  }
}
