/** The reason why the city has to be rebuilt from another log, from when it is found until it is acted on. */
export class LogLoss {
  private found: string | null = null;
  private wake: () => void = () => undefined;

  /** Keeps the first of several reasons. */
  add(reason: string): void {
    this.found ??= reason;
    this.wake();
  }

  clear(): void {
    this.found = null;
  }

  get isFound(): boolean {
    return this.found !== null;
  }

  /** Resolves with the reason once there is one, or with `null` once `signal` is aborted. */
  async next(signal: AbortSignal): Promise<string | null> {
    while (this.found === null && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal.aborted ? null : this.found;
  }
}
