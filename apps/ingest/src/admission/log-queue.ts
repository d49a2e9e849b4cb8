/** How often the rate of acknowledgements is measured. */
const WINDOW_MS = 250;

/** The queue is long once it was long in this many windows in a row: a moment without acknowledgements is not an overload. */
const LONG_WINDOWS = 2;

/** A queue with fewer bytes is not long: with little load, the rate of acknowledgements says little about the log. */
const LEAST_BYTES = 1_048_576;

/**
 * The records that the log has not acknowledged, as a queue: how long a new record would wait, at the rate of acknowledgements.
 * Without acknowledgements, the log counts as unreachable, not as overloaded, and the delivery timeout applies.
 */
export class LogQueue {
  private bytes = 0;
  private acknowledgedBytes = 0;
  private longWindows = 0;
  private windowStartedAt = 0;
  private waitMs = 0;
  private acknowledgedAt = -Infinity;

  /** @param now monotonic time in milliseconds */
  constructor(
    private readonly maxWaitMs: number,
    private readonly now: () => number,
  ) {}

  add(bytes: number): void {
    this.bytes += bytes;
  }

  /** Records have a result: they were acknowledged, or have failed. */
  remove(bytes: number, isAcknowledged: boolean): void {
    this.bytes -= bytes;
    if (!isAcknowledged) return;
    this.acknowledgedBytes += bytes;
    this.acknowledgedAt = this.now();
  }

  /** Whether the log has acknowledged nothing for a while. */
  get isStalled(): boolean {
    return this.now() - this.acknowledgedAt > WINDOW_MS;
  }

  /** Whether a new record would wait too long. */
  get isLong(): boolean {
    const now = this.now();
    const elapsedMs = now - this.windowStartedAt;
    if (elapsedMs >= WINDOW_MS) this.endWindow(now, elapsedMs);
    return this.longWindows >= LONG_WINDOWS && this.bytes >= LEAST_BYTES;
  }

  get estimatedWaitMs(): number {
    return this.waitMs;
  }

  private endWindow(now: number, elapsedMs: number): void {
    const isStalled = this.acknowledgedBytes === 0;
    this.waitMs = isStalled ? 0 : (this.bytes * elapsedMs) / this.acknowledgedBytes;
    this.longWindows = this.waitMs > this.maxWaitMs && this.bytes >= LEAST_BYTES ? this.longWindows + 1 : 0;
    this.acknowledgedBytes = 0;
    this.windowStartedAt = now;
  }
}
