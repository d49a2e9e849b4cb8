import type { TraceSurvey } from './read-trace.js';

const HOUR_MS = 3_600_000;

/** When the fixes of a trace happen now. */
export interface TraceClock {
  /** The event time of what was recorded then. */
  eventMs(recordedMs: number): number;
  /** When it is to be sent. */
  dueMs(recordedMs: number): number;
}

/** As if it happened from now on, at so many times its own pace. */
export function pacedClock(survey: TraceSurvey, options: { speed: number; startMs: number }): TraceClock {
  const eventMs = (recordedMs: number): number =>
    Math.round(options.startMs + (recordedMs - survey.firstMs) / options.speed);
  return { eventMs, dueMs: eventMs };
}

/** All of it at once, with its own spacing, moved so that it ends at a given time. */
export function movedClock(survey: TraceSurvey, options: { endMs: number }): TraceClock {
  const shiftMs = options.endMs - survey.lastMs;
  return { eventMs: (recordedMs) => recordedMs + shiftMs, dueMs: () => -Infinity };
}

/** The last full hour at a time. */
export function lastFullHour(nowMs: number): number {
  return Math.floor(nowMs / HOUR_MS) * HOUR_MS;
}
