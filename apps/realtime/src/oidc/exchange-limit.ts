/** How many sign-ins may be completed in a row, and how often another one. */
const IN_A_ROW = 100;
const ANOTHER_EVERY_MS = 100;

/** How many may wait for the provider at the same time. */
const MAX_CONCURRENT = 32;

/**
 * Limits what this service requests of the provider. Anybody can start to sign in, and each one that is completed is a request
 * to the provider; an attempt can be completed once.
 */
export class ExchangeLimit {
  private left = IN_A_ROW;
  private at: number;
  private running = 0;
  /** Attempts that were completed, and when they would have expired. At most as many as are allowed in that time. */
  private readonly used = new Map<string, number>();

  constructor(now: number) {
    this.at = now;
  }

  /** Whether an attempt was completed before. */
  isUsed(attempt: string): boolean {
    return this.used.has(attempt);
  }

  /** Returns whether the attempt may be completed now; then {@link end} must be called. */
  begin(attempt: { readonly state: string; readonly expiresAtMs: number }, now: number): boolean {
    const more = Math.max(0, Math.floor((now - this.at) / ANOTHER_EVERY_MS));
    this.left = Math.min(IN_A_ROW, this.left + more);
    this.at += more * ANOTHER_EVERY_MS;
    if (this.left === 0 || this.running >= MAX_CONCURRENT) return false;
    this.left -= 1;
    this.running += 1;
    this.forget(now);
    this.used.set(attempt.state, attempt.expiresAtMs);
    return true;
  }

  end(): void {
    this.running -= 1;
  }

  private forget(now: number): void {
    for (const [state, expiresAtMs] of this.used) {
      // They expire about in the order in which they were completed.
      if (expiresAtMs > now) break;
      this.used.delete(state);
    }
  }
}
