/** What to do with records whose handler failed. */
type RetryDecision =
  /** Pass the same records to the handler again after a backoff. */
  | { readonly kind: 'retry'; readonly failures: number }
  /** Pass them to the handler one by one: those that fail on their own are the bad ones. */
  | { readonly kind: 'retry-individually' }
  /** This record failed on its own. */
  | { readonly kind: 'reject'; readonly attempts: number };

/**
 * Decides how the records at the head of one partition are retried, from the first failure to the dead-letter topic. Pure.
 *
 * A retryable failure means that another system is unavailable. It does not count as an attempt, however often it occurs.
 */
export class RetryPolicy {
  /** Consecutive failures, for the backoff. */
  private failures = 0;
  /** Failures that count against the records. */
  private attempts = 0;
  private individuallyUntil = 0n;

  constructor(private readonly maxAttempts: number) {}

  /** Whether the record at this offset is passed to the handler in a batch of one. */
  isIndividual(offset: bigint): boolean {
    return offset < this.individuallyUntil;
  }

  /** Every record before `nextOffset` was handled or rejected. */
  succeeded(nextOffset: bigint): void {
    this.failures = 0;
    if (nextOffset >= this.individuallyUntil) this.attempts = 0;
  }

  failed({
    nextOffset,
    isIndividual,
    retryable,
  }: {
    readonly nextOffset: bigint;
    readonly isIndividual: boolean;
    readonly retryable: boolean;
  }): RetryDecision {
    this.failures += 1;
    if (retryable) return { kind: 'retry', failures: this.failures };
    if (isIndividual) return { kind: 'reject', attempts: this.attempts + 1 };
    this.attempts += 1;
    if (this.attempts < this.maxAttempts) return { kind: 'retry', failures: this.failures };
    this.individuallyUntil = nextOffset;
    return { kind: 'retry-individually' };
  }
}
