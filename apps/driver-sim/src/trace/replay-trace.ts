import { setTimeout as sleep } from 'node:timers/promises';
import { EARLIEST_TIMESTAMP_MS, LATEST_TIMESTAMP_MS } from '@hailstream/events';
import type { Outbox } from '../outbox/outbox.js';
import { readTrace, surveyTrace, type TraceSurvey } from './read-trace.js';
import type { TraceClock } from './trace-clock.js';
import { TraceDevices } from './trace-devices.js';
import { BrokenLine } from './trace-format.js';

/** Most events that wait for ingest before the file is read on. */
const MAX_WAITING_EVENTS = 20_000;

/** Shortest wait of a paced replay: what gets due meanwhile goes out together, and nothing before its time. */
const MIN_WAIT_MS = 20;

/** What a replay says while it works. */
export interface ReplayObserver {
  surveyed(survey: TraceSurvey): void;
  /** A line could not be sent: it is passed over. */
  broken(lineNumber: number, reason: string): void;
}

export interface ReplayCounts {
  /** Fixes that say again what the one before them said, and were not sent. */
  readonly repeated: number;
  readonly broken: number;
  readonly devices: number;
}

/**
 * Sends a recorded trace through ingest as its devices would: in the order of the file, at the pace of the clock that
 * `clockOf` makes for it. Ends when all of it, or what was read before `signal`, is in the outbox.
 *
 * @throws {TraceError} when the trace can't be read; nothing has been sent then
 * @throws {IngestRefusedError} when ingest will never take it
 */
export async function replayTrace(options: {
  path: string;
  providerId: string;
  outbox: Outbox;
  clockOf: (survey: TraceSurvey) => TraceClock;
  observer: ReplayObserver;
  signal: AbortSignal;
}): Promise<ReplayCounts> {
  const { path, outbox, observer, signal } = options;
  const openedAt = Date.now();
  const survey = await surveyTrace(path, openedAt);
  observer.surveyed(survey);
  const clock = options.clockOf(survey);
  const devices = new TraceDevices({ providerId: options.providerId });
  let repeated = 0;
  let broken = 0;
  const breakLine = (lineNumber: number, reason: string): void => {
    broken += 1;
    observer.broken(lineNumber, reason);
  };
  for await (const entries of readTrace(path, openedAt)) {
    for (const { lineNumber, fix } of entries) {
      if (fix instanceof BrokenLine) {
        breakLine(lineNumber, fix.reason);
        continue;
      }
      await untilDue(clock, fix.timestampMs, signal);
      if (signal.aborted) break;
      const eventMs = clock.eventMs(fix.timestampMs);
      if (eventMs < EARLIEST_TIMESTAMP_MS || eventMs > LATEST_TIMESTAMP_MS) {
        breakLine(lineNumber, `would be of ${new Date(eventMs).toISOString()}, when MDS was not in use`);
        continue;
      }
      const event = devices.telemetry(fix, eventMs);
      if (event === undefined) repeated += 1;
      else outbox.put('telemetry', event);
      if (outbox.waiting() >= MAX_WAITING_EVENTS) await outbox.whenAtMost(MAX_WAITING_EVENTS / 2, signal);
    }
    if (signal.aborted) break;
  }
  return { repeated, broken, devices: devices.count };
}

/** Waits until a fix is due, where the clock keeps a pace. */
async function untilDue(clock: TraceClock, timestampMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = clock.dueMs(timestampMs) - Date.now();
  if (waitMs <= 0 || signal.aborted) return;
  await sleep(Math.max(waitMs, MIN_WAIT_MS), undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
