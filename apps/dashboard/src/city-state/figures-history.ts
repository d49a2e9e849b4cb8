/** How far back the sparkline goes. */
export const HISTORY_SECONDS = 300;

/** So many seconds without a value are taken for a late frame, not for a gap. */
const BRIDGED_SECONDS = 2;

/** A figure by the second over the last five minutes; seconds of which nothing is known are `null`. */
export class FiguresHistory {
  private readonly samples = new Float64Array(HISTORY_SECONDS).fill(Number.NaN);
  /** The newest second that was written, in seconds since the epoch. */
  private newest = 0;

  /** The newest value of a second stays; one older than the newest second is ignored. */
  add(atMs: number, value: number): void {
    const second = Math.floor(atMs / 1000);
    if (second < this.newest) return;
    const skipped = Math.min(second - this.newest - 1, HISTORY_SECONDS);
    const filling = skipped <= BRIDGED_SECONDS ? value : Number.NaN;
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
