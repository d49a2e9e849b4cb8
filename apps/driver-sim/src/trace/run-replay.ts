import type { ReplayConfig } from '../config.js';
import { IngestClient } from '../outbox/ingest-client.http.js';
import { IngestRefusedError, MAX_REQUESTS_IN_FLIGHT, Outbox, type OutboxObserver } from '../outbox/outbox.js';
import type { Trace } from './read-trace.js';
import type { ReplayArgs } from './replay-args.js';
import { ReplayScreen } from './replay-screen.js';
import { replayTrace, type ReplayCounts, type ReplayObserver } from './replay-trace.js';
import { lastFullHour, movedClock, pacedClock } from './trace-clock.js';

/** Most broken lines, outliers and rejected events that are told one by one; the others are counted. */
const MAX_TOLD = 20;

/** Longest that ingest may stay away before a replay gives up. */
const PATIENCE_MS = 600_000;

/** Longest that events which were read still wait for ingest after a signal to stop. */
const STOP_TIMEOUT_MS = 5_000;

/** What a replay came to; the last line of its output with `--json`. */
export interface ReplayResult extends Readonly<ReplayCounts> {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retried: number;
  readonly seconds: number;
}

/**
 * How a replay ended: 0 if everything that it could send was accepted; 1 if it sent nothing, had rejections or stopped
 * early; 2, as gzip does, if all was accepted but the file has something after its gzip data that was ignored.
 */
export type ReplayExitCode = 0 | 1 | 2;

/**
 * Replays a trace on the command line.
 *
 * @throws {TraceError} when the trace can't be read
 * @throws {IngestRefusedError} when ingest will never take it; the result so far is told
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
  using patience = new Patience(giveUp);
  using outbox = new Outbox({ client, observer: outboxObserver(screen, patience) });
  const counts: ReplayCounts = { devices: 0, broken: 0, repeated: 0, outOfOrder: 0, outliers: 0 };
  let hasWarning = false;
  const observer = traceObserver(screen, outbox, () => (hasWarning = true));
  const finish = (): ReplayResult => {
    screen.end();
    const { sent, accepted, rejected, retried } = outbox.counts;
    const seconds = Math.round(performance.now() - startedAt) / 1_000;
    const { devices, ...others } = counts;
    const result = { sent, accepted, rejected, retried, devices, seconds, ...others };
    tellCounts(screen, result);
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
  if (signal.aborted) screen.tell(`stopped early; ${outbox.waiting()} events were not handed over`);
  const { accepted, rejected } = finish();
  if (signal.aborted || accepted === 0 || rejected > 0) return 1;
  return hasWarning ? 2 : 0;
}

/** Aborts some time after the signal to stop. */
function afterSignal(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  const wait = (): unknown => setTimeout(() => later.abort(), STOP_TIMEOUT_MS).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return later.signal;
}

/** What the user should know of the counts. */
function tellCounts(screen: ReplayScreen, result: ReplayResult): void {
  const { sent, rejected, broken, outliers, repeated, outOfOrder } = result;
  screen.tellRest('broken lines', broken, MAX_TOLD);
  screen.tellRest('fixes of another time', outliers, MAX_TOLD);
  screen.tellRest('rejected events', rejected, MAX_TOLD);
  if (outOfOrder > 0) screen.tell(`${outOfOrder} fixes were out of order and were sorted by time`);
  if (repeated > 0) screen.tell(`${repeated} repeated fixes were not sent`);
  if (sent === 0) screen.tell('nothing was sent');
  if (rejected > 0) screen.tell(`${rejected} of ${sent} events were rejected`);
}

function report(result: ReplayResult, json: boolean): void {
  const { sent, accepted, rejected, retried, devices, seconds } = result;
  const words =
    `sent ${sent} fixes of ${devices} cabs in ${seconds} s: ` +
    `${accepted} accepted, ${rejected} rejected, ${retried} sent again`;
  process.stdout.write(`${json ? JSON.stringify(result) : words}\n`);
}

function outboxObserver(screen: ReplayScreen, patience: Patience): OutboxObserver {
  let rejected = 0;
  return {
    away: (reason) => {
      patience.start(reason);
      screen.tell(`ingest is away (${reason}): the devices keep their events and try again`);
    },
    back: () => {
      patience.stop();
      screen.tell('ingest is back');
    },
    rejected: (_kind, id, reason) => {
      rejected += 1;
      if (rejected <= MAX_TOLD) screen.tell(`rejected ${id}: ${reason}`);
    },
    // The replay ends with this error, and it is told there.
    failed: () => {},
  };
}

function traceObserver(screen: ReplayScreen, outbox: Outbox, onWarning: () => void): ReplayObserver {
  let broken = 0;
  let outliers = 0;
  return {
    warning: (warning) => {
      onWarning();
      screen.tell(`warning: ${warning}`);
    },
    read: (lineCount) => screen.reading(lineCount),
    broken: (lineNumber, reason) => {
      broken += 1;
      if (broken <= MAX_TOLD) screen.tell(`line ${lineNumber} ${reason}: passed over`);
    },
    surveyed: (trace) => {
      tellTimeUnits(screen, trace);
      screen.sending(trace.survey.fixCount, () => outbox.counts.accepted);
    },
    outlier: (lineNumber, timestampMs) => {
      outliers += 1;
      if (outliers > MAX_TOLD) return;
      const time = new Date(timestampMs).toISOString();
      screen.tell(`line ${lineNumber} is of ${time}, far from the others: not sent`);
    },
  };
}

function tellTimeUnits(screen: ReplayScreen, { timeUnits }: Trace): void {
  for (const [unit, count] of timeUnits) {
    if (unit !== 'seconds') screen.tell(`ts is in ${unit} on ${count} lines, and was read so`);
  }
}

/** How long a replay waits for an ingest service that is away. */
class Patience implements Disposable {
  readonly #giveUp: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(giveUp: (error: Error) => void) {
    this.#giveUp = giveUp;
  }

  start(reason: string): void {
    const minutes = PATIENCE_MS / 60_000;
    const error = new IngestRefusedError(`ingest was away for ${minutes} minutes: ${reason}`);
    this.#timer = setTimeout(() => this.#giveUp(error), PATIENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
