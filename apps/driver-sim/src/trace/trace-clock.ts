import type { TraceSurvey } from './read-trace.js';

const HOUR_MS = 3_600_000;

/** When the fixes of a trace happen now. */
export interface TraceClock {
  /** The event time of what was recorded then. */
  eventMs(recordedMs: number): number;
  /** How long after the start of the replay it is to be sent. */
  dueAfterMs(recordedMs: number): number;
}

/** As if it happened from now on, at so many times its own pace. */
export function pacedClock(survey: TraceSurvey, options: { speed: number; startMs: number }): TraceClock {
  const dueAfterMs = (recordedMs: number): number =>
    Math.round((recordedMs - survey.firstMs) / options.speed);
  return { eventMs: (recordedMs) => options.startMs + dueAfterMs(recordedMs), dueAfterMs };
}

/** All of it at once, with its own spacing, moved so that it ends at a given time. */
export function movedClock(survey: TraceSurvey, options: { endMs: number }): TraceClock {
  const shiftMs = options.endMs - survey.lastMs;
  return { eventMs: (recordedMs) => recordedMs + shiftMs, dueAfterMs: () => -Infinity };
}

/** The last full hour at a time. */
export function lastFullHour(nowMs: number): number {
  return Math.floor(nowMs / HOUR_MS) * HOUR_MS;
}
