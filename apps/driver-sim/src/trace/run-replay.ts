import type { FamilyName } from '@hailstream/events';
import type { ReplayConfig } from '../config.js';
import { IngestClient } from '../outbox/ingest-client.http.js';
import {
  IngestRefusedError,
  MAX_REQUESTS_IN_FLIGHT,
  Outbox,
  type OutboxCounts,
  type OutboxObserver,
} from '../outbox/outbox.js';
import type { Trace } from './read-trace.js';
import type { ReplayArgs } from './replay-args.js';
import { ReplayScreen } from './replay-screen.js';
import { replayTrace, type ReplayCounts, type ReplayObserver } from './replay-trace.js';
import { lastFullHour, movedClock, pacedClock } from './trace-clock.js';

/** Maximum number of broken lines, outliers and rejected events that are listed; all are counted. */
const MAX_LISTED = 20;

/** Maximum outage of ingest; after it, the replay fails. */
const UNAVAILABLE_TIMEOUT_MS = 600_000;

/** Maximum wait for events in flight after a signal to stop. */
const STOP_TIMEOUT_MS = 5_000;

/** Counts of one kind of events. */
type SentCounts = Pick<OutboxCounts, 'sent' | 'accepted' | 'rejected' | 'retried'>;

/** Result of a replay: the last line of its output with `--json`. The counts at the top are those of the fixes. */
export interface ReplayResult extends Readonly<ReplayCounts>, SentCounts {
  readonly seconds: number;
  readonly vehicleEvents: SentCounts;
  readonly trips: SentCounts;
}

/**
 * Exit code of a replay: 0 if every valid fix was accepted; 1 if nothing was sent, events were rejected or it was stopped
 * early; 2, as of gzip, if every valid fix was accepted but trailing garbage after the gzip data was ignored.
 */
type ReplayExitCode = 0 | 1 | 2;

/**
 * Replays a trace on the command line.
 *
 * @throws TraceError if the trace cannot be read
 * @throws IngestRefusedError if ingest will never accept it; the result so far is printed before
 */
export async function runReplay(options: {
  args: ReplayArgs;
  config: ReplayConfig;
  signal: AbortSignal;
}): Promise<ReplayExitCode> {
  const { args, config, signal } = options;
  const startedAt = performance.now();
  await using client = new IngestClient({ ...config.ingest, maxConnections: MAX_REQUESTS_IN_FLIGHT });
  using screen = new ReplayScreen();
  const giveUp = (error: Error): void => outbox.fail(error);
  using outageTimer = new OutageTimer(giveUp);
  using outbox = new Outbox({ client, observer: outboxObserver(screen, outageTimer) });
  const counts: ReplayCounts = { devices: 0, broken: 0, repeated: 0, outOfOrder: 0, outliers: 0 };
  let hasWarning = false;
  const observer = traceObserver(screen, outbox, () => (hasWarning = true));
  const finish = (): ReplayResult => {
    screen.end();
    const seconds = Math.round(performance.now() - startedAt) / 1_000;
    const { devices, ...others } = counts;
    const result = {
      ...sentCounts(outbox, 'telemetry'),
      devices,
      seconds,
      ...others,
      vehicleEvents: sentCounts(outbox, 'vehicle-events'),
      trips: sentCounts(outbox, 'trips'),
    };
    printCounts(screen, result);
    report(result, args.json);
    return result;
  };
  try {
    await replayTrace({
      path: args.path,
      providerId: config.ingest.providerId,
      outbox,
      clockOf: (survey) => {
        const nowMs = Date.now();
        return args.speed === 'max'
          ? movedClock(survey, { endMs: args.endMs ?? lastFullHour(nowMs) })
          : pacedClock(survey, { speed: args.speed, startMs: nowMs });
      },
      observer,
      counts,
      signal,
    });
    await outbox.whenAtMost(0, afterSignal(signal));
  } catch (error) {
    if (error instanceof IngestRefusedError) finish();
    throw error;
  }
  if (signal.aborted) screen.print(`stopped early; ${outbox.waiting()} events were not accepted`);
  const { accepted } = finish();
  if (signal.aborted || accepted === 0 || outbox.counts.rejected > 0) return 1;
  return hasWarning ? 2 : 0;
}

function sentCounts(outbox: Outbox, family: FamilyName): SentCounts {
  const { sent, accepted, rejected, retried } = outbox.countsOf(family);
  return { sent, accepted, rejected, retried };
}

/** Returns a signal that is aborted {@link STOP_TIMEOUT_MS} after `signal`. */
function afterSignal(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  const wait = (): unknown => setTimeout(() => later.abort(), STOP_TIMEOUT_MS).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return later.signal;
}

/** Prints the counts that point to a problem. */
function printCounts(screen: ReplayScreen, result: ReplayResult): void {
  const { broken, outliers, repeated, outOfOrder, vehicleEvents, trips } = result;
  const sent = result.sent + vehicleEvents.sent + trips.sent;
  const rejected = result.rejected + vehicleEvents.rejected + trips.rejected;
  screen.printTotal('broken lines', broken, MAX_LISTED);
  screen.printTotal('outliers', outliers, MAX_LISTED);
  screen.printTotal('rejected events', rejected, MAX_LISTED);
  if (outOfOrder > 0) screen.print(`${outOfOrder} fixes were out of order and were sorted by time`);
  if (repeated > 0) screen.print(`${repeated} repeated fixes were not sent`);
  if (sent === 0) screen.print('nothing was sent');
  if (rejected > 0) screen.print(`${rejected} of ${sent} events were rejected`);
}

function report(result: ReplayResult, json: boolean): void {
  const { sent, accepted, rejected, retried, devices, seconds, vehicleEvents, trips } = result;
  const words =
    `sent ${sent} fixes of ${devices} cabs in ${seconds} s: ` +
    `${accepted} accepted, ${rejected} rejected, ${retried} retries; ` +
    `also accepted: ${vehicleEvents.accepted} vehicle events and ${trips.accepted} trips`;
  process.stdout.write(`${json ? JSON.stringify(result) : words}\n`);
}

function outboxObserver(screen: ReplayScreen, outageTimer: OutageTimer): OutboxObserver {
  let rejected = 0;
  return {
    unavailable: (reason) => {
      outageTimer.start(reason);
      screen.print(`ingest is unavailable (${reason}), retrying`);
    },
    recovered: () => {
      outageTimer.stop();
      screen.print('ingest has recovered');
    },
    rejected: (_kind, id, reason) => {
      rejected += 1;
      if (rejected <= MAX_LISTED) screen.print(`rejected ${id}: ${reason}`);
    },
    // runReplay throws the error, and the caller prints it.
    failed: () => {},
  };
}

function traceObserver(screen: ReplayScreen, outbox: Outbox, onWarning: () => void): ReplayObserver {
  let broken = 0;
  let outliers = 0;
  return {
    warning: (warning) => {
      onWarning();
      screen.print(`warning: ${warning}`);
    },
    read: (lineCount) => screen.reading(lineCount),
    broken: (lineNumber, reason) => {
      broken += 1;
      if (broken <= MAX_LISTED) screen.print(`line ${lineNumber} skipped: ${reason}`);
    },
    surveyed: (trace) => {
      printTimeUnits(screen, trace);
      screen.sending(trace.survey.fixCount, () => outbox.countsOf('telemetry').accepted);
    },
    outlier: (lineNumber, timestampMs) => {
      outliers += 1;
      if (outliers > MAX_LISTED) return;
      const time = new Date(timestampMs).toISOString();
      screen.print(`line ${lineNumber} not sent: its time ${time} is outside the period of the trace`);
    },
  };
}

function printTimeUnits(screen: ReplayScreen, { timeUnits }: Trace): void {
  for (const [unit, count] of timeUnits) {
    if (unit !== 'seconds') screen.print(`ts interpreted as ${unit} on ${count} lines`);
  }
}

/** Ends the replay if ingest stays unavailable. */
class OutageTimer implements Disposable {
  private readonly giveUp: (error: Error) => void;
  private timer: NodeJS.Timeout | undefined;

  constructor(giveUp: (error: Error) => void) {
    this.giveUp = giveUp;
  }

  start(reason: string): void {
    const minutes = UNAVAILABLE_TIMEOUT_MS / 60_000;
    const error = new IngestRefusedError(`ingest was unavailable for ${minutes} minutes: ${reason}`);
    this.timer = setTimeout(() => this.giveUp(error), UNAVAILABLE_TIMEOUT_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
