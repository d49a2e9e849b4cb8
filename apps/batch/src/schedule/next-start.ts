import type { Schedule } from './schedule.js';

/** Two clocks read at the same moment. */
export interface Clocks {
  /** Time of day, in milliseconds since 1970: may be set to any other time at any moment. */
  readonly wallMs: number;
  /** Milliseconds since some moment, which only ever grow. */
  readonly monotonicMs: number;
}

/** A clock that was set back by no more than this does not bring the same start again. */
const SAME_START_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * When the next load starts: never what was missed while the last one ran. The first one of a span starts at once, the
 * first one of a cron expression when it says.
 *
 * A span is counted in monotonic time. A cron expression follows the time of day, wherever that is set to: set forward, a
 * start that was passed happens once; set back, the next one is that of the new time.
 */
export class NextStart {
  private dueWallMs: number;

  constructor(
    private readonly schedule: Schedule,
    /** When the last load was due to start, by both clocks. */
    private readonly last: Clocks | undefined,
    now: Clocks,
  ) {
    this.dueWallMs = this.cronAfter(now.wallMs);
  }

  /** How long it is until then, in milliseconds; 0 if it is time. */
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
    // Checked when it was parsed to come again; should it have ended, the day after is early enough to look.
    return (
      this.schedule.cron.nextRun(new Date(isSetBackLittle ? lastMs : wallMs))?.getTime() ?? wallMs + DAY_MS
    );
  }
}
