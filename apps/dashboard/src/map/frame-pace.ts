/** If frames take longer than this, fewer are drawn: below 20 per second, motion is not smooth. */
const SLOW_FRAME_MS = 50;

/** Frames that are averaged, so that a single slow one has no effect. */
const FRAMES_JUDGED = 40;

/** Interval between frames in a slow browser. */
const SLOW_REDRAW_EVERY_MS = 250;

/** After this long, all frames are tried again in a slow browser. */
const TRY_AGAIN_AFTER_MS = 60_000;

/** Decides which animation frames are drawn: all of them, or a few per second if the browser is too slow. */
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

  /** Records a drawn frame; `follows` tells whether it came directly after another one. */
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
