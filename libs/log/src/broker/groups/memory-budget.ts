/** Minimum interval between two measurements: each visits everything. */
const MEASURE_EVERY_MS = 1_000;

/** Limits memory that is released in many places: what is in use is measured once the reservations reach the limit. */
export class MemoryBudget {
  private estimate = 0;
  private measuredAtMs = Number.NEGATIVE_INFINITY;

  /** @param measure returns the bytes in use, without those of reservations that failed */
  constructor(
    private readonly maxBytes: number,
    private readonly measure: () => number,
  ) {}

  /** @returns false if the bytes exceed what is left */
  reserve(bytes: number): boolean {
    if (this.estimate + bytes > this.maxBytes) this.remeasure();
    if (this.estimate + bytes > this.maxBytes) return false;
    this.estimate += bytes;
    return true;
  }

  private remeasure(): void {
    const nowMs = performance.now();
    if (nowMs - this.measuredAtMs < MEASURE_EVERY_MS) return;
    this.measuredAtMs = nowMs;
    this.estimate = this.measure();
  }
}
