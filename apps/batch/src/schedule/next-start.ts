import type { Schedule } from './schedule.js';

/** Two clocks read at the same moment. */
export interface Clocks {
  /** Wall clock, in milliseconds since 1970. It may be set at any moment. */
  readonly wallMs: number;
  /** Monotonic clock, in milliseconds. */
  readonly monotonicMs: number;
}

/** If the wall clock is set back by no more than this, a start is not repeated. */
const SAME_START_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Computes when the next load starts. Starts that were missed while a load was running are skipped. With a span, the first
 * load starts immediately; with a cron expression, at its first time.
 *
 * A span is measured by the monotonic clock. A cron expression follows the wall clock: if the clock is set forward, a start
 * that was passed happens once; if it is set back, the next start is computed from the new time.
 */
export class NextStart {
  private dueWallMs: number;

  constructor(
    private readonly schedule: Schedule,
    /** When the last load started, by both clocks. */
    private readonly last: Clocks | undefined,
    now: Clocks,
  ) {
    this.dueWallMs = this.cronAfter(now.wallMs);
  }

  /** Returns the time left until the start, in milliseconds; 0 if it is due. */
  remainingMs(now: Clocks): number {
    if (this.schedule.kind === 'every') {
      const sinceLast = this.last === undefined ? Infinity : now.monotonicMs - this.last.monotonicMs;
      return Math.max(0, this.schedule.spanMs - sinceLast);
    }
    if (now.wallMs < this.dueWallMs) this.dueWallMs = Math.min(this.dueWallMs, this.cronAfter(now.wallMs));
    return Math.max(0, this.dueWallMs - now.wallMs);
  }

  private cronAfter(wallMs: number): number {
    if (this.schedule.kind === 'every') return wallMs;
    const lastMs = this.last?.wallMs ?? -Infinity;
    const isSetBackLittle = wallMs < lastMs && lastMs - wallMs <= SAME_START_MS;
    // The parser accepts only expressions with a next time. If they end, check again after a day.
    return (
      this.schedule.cron.nextRun(new Date(isSetBackLittle ? lastMs : wallMs))?.getTime() ?? wallMs + DAY_MS
    );
  }
}
