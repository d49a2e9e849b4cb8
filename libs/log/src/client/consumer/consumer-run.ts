import type { LogError } from '../core/errors.js';

/** The time from one call of `start` until the consumer stops; it may span many sessions. */
export class ConsumerRun {
  readonly stop = new AbortController();
  /** Resolves once partitions are assigned and positioned, or with the reason why that will never happen. */
  readonly started: Promise<LogError | undefined>;
  finished: Promise<void> = Promise.resolve();
  lastFailure: LogError | undefined;
  hasEverJoined = false;
  hasJoinedSinceFailure = false;
  private settleStarted!: (failure?: LogError) => void;

  constructor() {
    this.started = new Promise((resolve) => {
      this.settleStarted = resolve;
    });
  }

  joined(): void {
    this.hasEverJoined = true;
    this.hasJoinedSinceFailure = true;
    this.settleStarted();
  }

  failed(failure: LogError): void {
    this.hasJoinedSinceFailure = false;
    this.lastFailure = failure;
  }

  crashed(failure: LogError): void {
    this.settleStarted(failure);
  }
}
