/** What is to be done about records whose handler failed. */
export type RetryStep =
  /** Hand the same records over again, after this wait. */
  | { readonly kind: 'again'; readonly failures: number }
  /** Hand them over one by one, now: those that fail alone are the bad ones. */
  | { readonly kind: 'one-by-one' }
  /** This record failed alone. */
  | { readonly kind: 'give-up'; readonly attempts: number };

/**
 * How far the records at the head of one partition have got on the way from the first failure to the dead-letter topic.
 * Pure: told what happened, it says what comes next.
 *
 * A retryable failure says that something else is down, and says nothing about the records: it never brings them closer
 * to the dead-letter topic, however often it comes.
 */
export class RetryLadder {
  private failures = 0;
  private counted = 0;
  private aloneUntil = 0n;

  constructor(private readonly maxAttempts: number) {}

  /** Whether the record at this offset is to be handed over by itself. */
  isAlone(offset: bigint): boolean {
    return offset < this.aloneUntil;
  }

  /** Everything before `nextOffset` is done with. */
  passed(nextOffset: bigint): void {
    this.failures = 0;
    if (nextOffset >= this.aloneUntil) this.counted = 0;
  }

  failed({
    nextOffset,
    alone,
    retryable,
  }: {
    nextOffset: bigint;
    alone: boolean;
    retryable: boolean;
  }): RetryStep {
    this.failures += 1;
    if (retryable) return { kind: 'again', failures: this.failures };
    if (alone) return { kind: 'give-up', attempts: this.counted + 1 };
    this.counted += 1;
    if (this.counted < this.maxAttempts) return { kind: 'again', failures: this.failures };
    this.aloneUntil = nextOffset;
    return { kind: 'one-by-one' };
  }
}
