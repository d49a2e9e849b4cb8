/** Browsers whose frames take longer than this show fewer of them: 20 a second is where gliding stops looking so. */
const SLOW_FRAME_MS = 50;

/** Frames that are looked at together, so that one hiccup proves nothing. */
const FRAMES_JUDGED = 40;

/** What is left of drawing in a slow browser. */
const SLOW_REDRAW_EVERY_MS = 250;

/** After this long a slow browser is tried again: what kept it busy may have ended. */
const TRY_AGAIN_AFTER_MS = 60_000;

/** Decides which of the browser's frames are drawn: all of them, or, where it can't keep up, a few a second. */
export class FramePace {
  private slowSince: number | null = null;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private intervals: number[] = [];

  get isSlow(): boolean {
    return this.slowSince !== null;
  }

  /** Whether to draw at `now`. */
  isDue(now: number): boolean {
    if (this.slowSince === null) return true;
    if (now - this.slowSince > TRY_AGAIN_AFTER_MS) {
      this.slowSince = null;
      this.intervals = [];
      return true;
    }
    return now - this.drawnAt >= SLOW_REDRAW_EVERY_MS;
  }

  /** Notes a frame that was drawn; `follows` another one directly, without a rest between them. */
  drawn(now: number, follows: boolean): void {
    if (follows && this.slowSince === null) this.judge(now - this.drawnAt, now);
    this.drawnAt = now;
  }

  private judge(intervalMs: number, now: number): void {
    this.intervals.push(intervalMs);
    if (this.intervals.length < FRAMES_JUDGED) return;
    const median = this.intervals.toSorted((a, b) => a - b)[FRAMES_JUDGED / 2]!;
    this.intervals = [];
    if (median > SLOW_FRAME_MS) this.slowSince = now;
  }
}
