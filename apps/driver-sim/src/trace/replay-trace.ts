import { EARLIEST_TIMESTAMP_MS, LATEST_TIMESTAMP_MS } from '@hailstream/events';
import { sleep } from '@hailstream/service/timers';
import type { Outbox } from '../outbox/outbox.js';
import type { PlacedFix } from './fix-sorter.js';
import { readTrace, type Trace, type TraceReadObserver, type TraceSurvey } from './read-trace.js';
import type { TraceClock } from './trace-clock.js';
import { TraceDevices } from './trace-devices.js';

/** Maximum number of events that wait for ingest; with more, no further fixes are read. */
const MAX_WAITING_EVENTS = 20_000;

/** Minimum wait of a paced replay: fixes that become due meanwhile share a request. No fix is sent early. */
const MIN_WAIT_MS = 20;

/** Receives the progress of a replay. */
export interface ReplayObserver extends TraceReadObserver {
  surveyed(trace: Trace): void;
  /** A fix is outside the period of the trace, and is not sent. */
  outlier(lineNumber: number, timestampMs: number): void;
}

/** Counts of a replay, in addition to those of the outbox. */
export interface ReplayCounts {
  devices: number;
  /** Lines that are not a fix, or whose moved time is out of bounds. */
  broken: number;
  /** Repeated fixes, which were not sent. */
  repeated: number;
  /** Fixes that were out of order in the file, and were sent in order. */
  outOfOrder: number;
  /** Fixes outside the period of the trace, which were not sent. */
  outliers: number;
}

/**
 * Sends a recorded trace to ingest in order of time, at the pace of the clock that `clockOf` creates. Resolves once every
 * fix, or every fix due before `signal` was aborted, is in the outbox.
 *
 * @throws TraceError if the trace cannot be read; nothing has been sent then
 * @throws IngestRefusedError if ingest will never accept it
 */
export async function replayTrace(options: {
  path: string;
  providerId: string;
  outbox: Outbox;
  clockOf: (survey: TraceSurvey) => TraceClock;
  observer: ReplayObserver;
  counts: ReplayCounts;
  signal: AbortSignal;
}): Promise<void> {
  const { path, outbox, counts, signal } = options;
  const broken = (lineNumber: number, reason: string): void => {
    counts.broken += 1;
    options.observer.broken(lineNumber, reason);
  };
  const observer = { ...options.observer, broken };
  await using trace = await readTrace({ path, nowMs: Date.now(), observer, signal });
  counts.outOfOrder = trace.outOfOrder;
  observer.surveyed(trace);
  const sender = new TraceSender({ ...options, observer }, trace.survey);
  for await (const group of trace.sorted()) {
    for (const placed of group) {
      if (signal.aborted) return;
      await sender.send(placed);
      if (outbox.waiting() >= MAX_WAITING_EVENTS) await outbox.whenAtMost(MAX_WAITING_EVENTS / 2, signal);
    }
  }
}

/** Puts the reports of fixes into the outbox when they are due. */
class TraceSender {
  private readonly devices: TraceDevices;
  private readonly clock: TraceClock;
  private readonly startedAt: number;

  constructor(
    private readonly options: {
      providerId: string;
      outbox: Outbox;
      clockOf: (survey: TraceSurvey) => TraceClock;
      observer: ReplayObserver;
      counts: ReplayCounts;
      signal: AbortSignal;
    },
    private readonly survey: TraceSurvey,
  ) {
    this.devices = new TraceDevices(options);
    this.clock = options.clockOf(survey);
    this.startedAt = performance.now();
  }

  async send({ fix, lineNumber }: PlacedFix): Promise<void> {
    const { outbox, observer, counts, signal } = this.options;
    if (fix.timestampMs < this.survey.firstMs || fix.timestampMs > this.survey.lastMs) {
      counts.outliers += 1;
      observer.outlier(lineNumber, fix.timestampMs);
      return;
    }
    await this.untilDue(fix.timestampMs);
    if (signal.aborted) return;
    const eventMs = this.clock.eventMs(fix.timestampMs);
    if (eventMs < EARLIEST_TIMESTAMP_MS || eventMs > LATEST_TIMESTAMP_MS) {
      observer.broken(lineNumber, `its event time ${toText(eventMs)} would be outside the range of MDS`);
      return;
    }
    const losses = this.devices.lossesUntil(fix.timestampMs, (recordedMs) => this.clock.eventMs(recordedMs));
    for (const loss of losses) outbox.put('vehicle-events', loss);
    const reports = this.devices.reports(fix, eventMs);
    counts.devices = this.devices.count;
    if (reports === undefined) {
      counts.repeated += 1;
      return;
    }
    outbox.put('telemetry', reports.telemetry);
    if (reports.event !== undefined) outbox.put('vehicle-events', reports.event);
    if (reports.trip !== undefined) outbox.put('trips', reports.trip);
  }

  /** Waits until a fix is due, in monotonic time. */
  private async untilDue(timestampMs: number): Promise<void> {
    const waitMs = this.clock.dueAfterMs(timestampMs) - (performance.now() - this.startedAt);
    if (waitMs > 0) await sleep(Math.max(Math.ceil(waitMs), MIN_WAIT_MS), this.options.signal);
  }
}

/** Formats a time that may be outside the range of `Date`. */
function toText(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? `${timestampMs} ms` : date.toISOString();
}
