import { retryDelayMs } from './connection-state.js';

/** Retries after random times that become longer, so that the pages of a service that was restarted do not all return at once. */
export class RetryTimer {
  private readonly retry: () => void;
  private readonly random: () => number;
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(retry: () => void, random: () => number = Math.random) {
    this.retry = retry;
    this.random = random;
  }

  /** Has no effect while a retry is scheduled already. */
  schedule(): void {
    if (this.timer !== undefined) return;
    this.attempts++;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.retry();
      },
      retryDelayMs(this.attempts, this.random),
    );
  }

  /** Cancels the scheduled retry. The next time is as short as the first. */
  reset(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.attempts = 0;
  }
}
