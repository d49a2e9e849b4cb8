import type { AlertRecord } from '@hailstream/events';
import { backoffMs } from '@hailstream/service/backoff';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';

const RETRY = { firstMs: 200, maxMs: 5_000 };

type Append = (
  records: readonly AlertRecord[],
) => Promise<{ readonly failed: readonly AlertRecord[]; readonly error: Error | null }>;

/** Writes what was decided, in order, until the log has stored it. */
export class AlertPublisher implements AsyncDisposable {
  private waiting: AlertRecord[] = [];
  private inFlight = 0;
  private running: Promise<void> | null = null;
  private reason: string | null = null;
  private readonly stop = new AbortController();

  constructor(
    private readonly append: Append,
    private readonly onStored: (records: readonly AlertRecord[]) => void,
    private readonly logger: Logger,
  ) {}

  publish(records: readonly AlertRecord[]): void {
    this.waiting.push(...records);
    if (this.waiting.length > 0) this.running ??= this.run().finally(() => (this.running = null));
  }

  /** Drops what is not in flight: another process decides from now on. */
  forget(): void {
    this.waiting = [];
  }

  /** Records that the log has not stored yet. */
  get waitingCount(): number {
    return this.waiting.length + this.inFlight;
  }

  /** Why the last attempt failed; `null` if it succeeded. */
  get failure(): string | null {
    return this.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let retry = 0; this.waiting.length > 0 && !this.stop.signal.aborted;) {
      const records = this.waiting;
      this.waiting = [];
      this.inFlight = records.length;
      const { failed, error } = await this.append(records);
      this.inFlight = 0;
      const unstored = new Set(failed);
      this.onStored(records.filter((record) => !unstored.has(record)));
      if (error === null) {
        if (this.reason !== null) this.logger.info('alerts are stored again');
        this.reason = null;
        retry = 0;
        continue;
      }
      if (this.reason === null) this.logger.error({ err: error }, 'alerts cannot be stored, will retry');
      this.reason = error.message;
      this.waiting.unshift(...failed);
      await sleep(backoffMs(retry, RETRY), this.stop.signal);
      retry += 1;
    }
  }
}
