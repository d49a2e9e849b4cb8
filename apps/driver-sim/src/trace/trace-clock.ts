import type { TraceSurvey } from './read-trace.js';

const HOUR_MS = 3_600_000;

/** Maps recorded times to event times and send times. */
export interface TraceClock {
  /** The event time of a fix that was recorded at that time. */
  eventMs(recordedMs: number): number;
  /** When to send the fix, in milliseconds after the start of the replay. */
  dueAfterMs(recordedMs: number): number;
}

/** Event times start now and pass `speed` times as fast as in the recording. */
export function pacedClock(survey: TraceSurvey, options: { speed: number; startMs: number }): TraceClock {
  const dueAfterMs = (recordedMs: number): number =>
    Math.round((recordedMs - survey.firstMs) / options.speed);
  return { eventMs: (recordedMs) => options.startMs + dueAfterMs(recordedMs), dueAfterMs };
}

/** Event times have the recorded intervals and end at a given time. All fixes are due immediately. */
export function movedClock(survey: TraceSurvey, options: { endMs: number }): TraceClock {
  const shiftMs = options.endMs - survey.lastMs;
  return { eventMs: (recordedMs) => recordedMs + shiftMs, dueAfterMs: () => -Infinity };
}

/** Returns the start of the current hour. */
export function lastFullHour(nowMs: number): number {
  return Math.floor(nowMs / HOUR_MS) * HOUR_MS;
}
