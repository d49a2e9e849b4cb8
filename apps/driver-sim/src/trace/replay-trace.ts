import { EARLIEST_TIMESTAMP_MS, LATEST_TIMESTAMP_MS } from '@hailstream/events';
import { sleep } from '@hailstream/service/timers';
import type { Outbox } from '../outbox/outbox.js';
import type { PlacedFix } from './fix-sorter.js';
import { readTrace, type Trace, type TraceReadObserver, type TraceSurvey } from './read-trace.js';
import type { TraceClock } from './trace-clock.js';
import { TraceDevices } from './trace-devices.js';

/** Most events that wait for ingest before further fixes are read. */
const MAX_WAITING_EVENTS = 20_000;

/** Shortest wait of a paced replay: what gets due meanwhile goes out together, and nothing before its time. */
const MIN_WAIT_MS = 20;

/** What a replay says while it works. */
export interface ReplayObserver extends TraceReadObserver {
  surveyed(trace: Trace): void;
  /** A fix is of another time than the trace, and is not sent. */
  outlier(lineNumber: number, timestampMs: number): void;
}

/** What a replay comes to, besides what the outbox counts; up to date at any time. */
export interface ReplayCounts {
  devices: number;
  /** Lines that are no fix, or whose time now is out of bounds. */
  broken: number;
  /** Fixes that say again what another one says, and were not sent. */
  repeated: number;
  /** Fixes that are not in order of time in the file, and were sent in it. */
  outOfOrder: number;
  /** Fixes of another time than the trace, which were not sent. */
  outliers: number;
}

/**
 * Sends a recorded trace through ingest as its devices would: by time, at the pace of the clock that `clockOf` makes for
 * it. Ends when all of it, or what was due before `signal`, is in the outbox.
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

/** Puts fixes into the outbox when they are due. */
class TraceSender {
  readonly #devices: TraceDevices;
  readonly #clock: TraceClock;
  readonly #startedAt: number;

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
    this.#devices = new TraceDevices(options);
    this.#clock = options.clockOf(survey);
    this.#startedAt = performance.now();
  }

  async send({ fix, lineNumber }: PlacedFix): Promise<void> {
    const { outbox, observer, counts, signal } = this.options;
    if (fix.timestampMs < this.survey.firstMs || fix.timestampMs > this.survey.lastMs) {
      counts.outliers += 1;
      observer.outlier(lineNumber, fix.timestampMs);
      return;
    }
    await this.#untilDue(fix.timestampMs);
    if (signal.aborted) return;
    const eventMs = this.#clock.eventMs(fix.timestampMs);
    if (eventMs < EARLIEST_TIMESTAMP_MS || eventMs > LATEST_TIMESTAMP_MS) {
      observer.broken(lineNumber, `would be of ${inWords(eventMs)}, when MDS was not in use`);
      return;
    }
    const event = this.#devices.telemetry(fix, eventMs);
    counts.devices = this.#devices.count;
    if (event === undefined) counts.repeated += 1;
    else outbox.put('telemetry', event);
  }

  /** Waits until a fix is due, if the clock keeps a pace; counts monotonic time. */
  async #untilDue(timestampMs: number): Promise<void> {
    const waitMs = this.#clock.dueAfterMs(timestampMs) - (performance.now() - this.#startedAt);
    if (waitMs > 0) await sleep(Math.max(Math.ceil(waitMs), MIN_WAIT_MS), this.options.signal);
  }
}

/** A time that may be out of the bounds of `Date`. */
function inWords(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? `${timestampMs} ms` : date.toISOString();
}
