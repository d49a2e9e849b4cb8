import type { ReplayConfig } from '../config.js';
import { configuredToken } from '../ingest-token.js';
import { IngestRefusedError, type Outbox } from '../outbox/outbox.js';
import { MAX_LISTED, OutboxSession, sentCounts, type SentCounts } from '../sending/outbox-session.js';
import { ProgressScreen } from '../sending/progress-screen.js';
import type { Trace } from './read-trace.js';
import type { ReplayArgs } from './replay-args.js';
import { replayTrace, type ReplayCounts, type ReplayObserver } from './replay-trace.js';
import { lastFullHour, movedClock, pacedClock } from './trace-clock.js';

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
  using screen = new ProgressScreen({ command: 'replay', unit: 'fixes' });
  await using session = new OutboxSession(
    { ...config.ingest, token: configuredToken(config.ingest) },
    screen,
  );
  const { outbox } = session;
  const counts: ReplayCounts = { devices: 0, broken: 0, repeated: 0, outOfOrder: 0, outliers: 0 };
  let hasWarning = false;
  const observer = traceObserver(screen, outbox, () => (hasWarning = true));
  const finish = (): ReplayResult => {
    screen.end();
    const seconds = Math.round(performance.now() - startedAt) / 1_000;
    const { devices, ...others } = counts;
    const result = {
      ...sentCounts(outbox.countsOf('telemetry')),
      devices,
      seconds,
      ...others,
      vehicleEvents: sentCounts(outbox.countsOf('vehicle-events')),
      trips: sentCounts(outbox.countsOf('trips')),
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
    await session.whenSent(signal);
  } catch (error) {
    if (error instanceof IngestRefusedError) finish();
    throw error;
  }
  if (signal.aborted) screen.print(`stopped early; ${outbox.waiting()} events were not accepted`);
  const { accepted } = finish();
  if (signal.aborted || accepted === 0 || outbox.counts.rejected > 0) return 1;
  return hasWarning ? 2 : 0;
}

/** Prints the counts that point to a problem. */
function printCounts(screen: ProgressScreen, result: ReplayResult): void {
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

function traceObserver(screen: ProgressScreen, outbox: Outbox, onWarning: () => void): ReplayObserver {
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

function printTimeUnits(screen: ProgressScreen, { timeUnits }: Trace): void {
  for (const [unit, count] of timeUnits) {
    if (unit !== 'seconds') screen.print(`ts interpreted as ${unit} on ${count} lines`);
  }
}
