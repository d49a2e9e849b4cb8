/** How far back the sparkline goes. */
export const HISTORY_SECONDS = 300;

/** A live frame may be this late. */
const LATE_SECONDS = 2;

/** One value per second for the last five minutes; `null` for seconds without a value. */
export class FiguresHistory {
  private readonly samples = new Float64Array(HISTORY_SECONDS).fill(Number.NaN);
  /** The newest second that was written, in seconds since the epoch. */
  private newest = 0;
  private readonly bridgedSeconds: number;

  /** A gap of up to `bridgedSeconds` is filled with the value after it. */
  constructor({ bridgedSeconds = LATE_SECONDS } = {}) {
    this.bridgedSeconds = bridgedSeconds;
  }

  /** Replaces the value of the newest second; older values are ignored. */
  add(atMs: number, value: number): void {
    const second = Math.floor(atMs / 1000);
    if (second < this.newest) return;
    const skipped = Math.min(second - this.newest - 1, HISTORY_SECONDS);
    const filling = skipped <= this.bridgedSeconds ? value : Number.NaN;
    for (let back = 1; back <= skipped; back++) this.samples[(second - back) % HISTORY_SECONDS] = filling;
    this.samples[second % HISTORY_SECONDS] = value;
    this.newest = second;
  }

  /** Oldest first; the last one is the newest second. */
  values(): (number | null)[] {
    return Array.from({ length: HISTORY_SECONDS }, (_, index) => {
      const second = this.newest - HISTORY_SECONDS + 1 + index;
      const value = second < 0 ? Number.NaN : this.samples[second % HISTORY_SECONDS]!;
      return Number.isNaN(value) ? null : value;
    });
  }
}
