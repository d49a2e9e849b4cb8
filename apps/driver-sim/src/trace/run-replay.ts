import cliProgress from 'cli-progress';
import type { ReplayConfig } from '../config.js';
import { IngestClient } from '../outbox/ingest-client.http.js';
import { IngestRefusedError, MAX_REQUESTS_IN_FLIGHT, Outbox, type OutboxObserver } from '../outbox/outbox.js';
import type { ReplayArgs } from './replay-args.js';
import { replayTrace, type ReplayObserver } from './replay-trace.js';
import { lastFullHour, movedClock, pacedClock } from './trace-clock.js';

/** Most broken lines, and most rejected events, that are told one by one; the others are counted. */
const MAX_TOLD = 20;

/** How often progress is told where there is no terminal to draw a bar on. */
const PROGRESS_EVERY_MS = 5_000;

/** Longest that ingest may stay away before a replay gives up. */
const PATIENCE_MS = 600_000;

/** Longest that events which were read still wait for ingest after a signal to stop. */
const STOP_TIMEOUT_MS = 5_000;

/** What a replay came to; the last line of its output with `--json`. */
export interface ReplayResult {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retried: number;
  readonly devices: number;
  readonly seconds: number;
}

/** Replays a trace on the command line. Returns whether it came to its end. */
export async function runReplay(options: {
  args: ReplayArgs;
  config: ReplayConfig;
  signal: AbortSignal;
}): Promise<boolean> {
  const { args, config, signal } = options;
  const startedAt = Date.now();
  await using client = new IngestClient({ ...config.ingest, maxConnections: MAX_REQUESTS_IN_FLIGHT });
  const screen = new Screen();
  const giveUp = (error: Error): void => outbox.fail(error);
  using patience = new Patience(giveUp);
  using outbox = new Outbox({ client, observer: outboxObserver(screen, patience) });
  try {
    const { devices, broken, repeated } = await replayTrace({
      path: args.path,
      providerId: config.ingest.providerId,
      outbox,
      clockOf: (survey) =>
        args.speed === 'max'
          ? movedClock(survey, { endMs: args.endMs ?? lastFullHour(startedAt) })
          : pacedClock(survey, { speed: args.speed, startMs: startedAt }),
      observer: traceObserver(screen, outbox),
      signal,
    });
    await outbox.whenAtMost(0, afterSignal(signal));
    screen.end();
    screen.tellRest('broken lines', broken);
    if (repeated > 0) screen.tell(`${repeated} fixes that repeat the one before them were not sent`);
    if (signal.aborted) screen.tell(`stopped early; ${outbox.waiting()} events were not handed over`);
    const { sent, accepted, rejected, retried } = outbox.counts;
    screen.tellRest('rejected events', rejected);
    const seconds = Math.round(Date.now() - startedAt) / 1_000;
    report({ sent, accepted, rejected, retried, devices, seconds }, args.json);
    return !signal.aborted;
  } finally {
    screen.end();
  }
}

/** Aborts some time after the signal to stop. */
function afterSignal(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  const wait = (): unknown => setTimeout(() => later.abort(), STOP_TIMEOUT_MS).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return later.signal;
}

function report(result: ReplayResult, json: boolean): void {
  const { sent, accepted, rejected, retried, devices, seconds } = result;
  const words =
    `sent ${sent} fixes of ${devices} cabs in ${seconds} s: ` +
    `${accepted} accepted, ${rejected} rejected, ${retried} sent again`;
  process.stdout.write(`${json ? JSON.stringify(result) : words}\n`);
}

function outboxObserver(screen: Screen, patience: Patience): OutboxObserver {
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

function traceObserver(screen: Screen, outbox: Outbox): ReplayObserver {
  let broken = 0;
  return {
    surveyed: ({ fixCount }) => screen.start(fixCount, () => outbox.counts.accepted),
    broken: (lineNumber, reason) => {
      broken += 1;
      if (broken <= MAX_TOLD) screen.tell(`line ${lineNumber} ${reason}: passed over`);
    },
  };
}

/** Lines and progress on stderr: a bar on a terminal, else a line now and then. */
class Screen {
  #bar: cliProgress.SingleBar | undefined;
  #timer: NodeJS.Timeout | undefined;

  start(total: number, done: () => number): void {
    if (process.stderr.isTTY) {
      this.#bar = new cliProgress.SingleBar({
        format: '{bar} {value} of {total} fixes, {eta_formatted} left',
        stream: process.stderr,
        clearOnComplete: true,
      });
      this.#bar.start(total, 0);
      this.#timer = setInterval(() => this.#bar?.update(done()), 100);
    } else {
      this.#timer = setInterval(() => this.tell(`${done()} of ${total} fixes accepted`), PROGRESS_EVERY_MS);
    }
  }

  tell(text: string): void {
    // The bar redraws itself below.
    process.stderr.write(`${this.#bar === undefined ? '' : '\r\u001B[K'}replay: ${text}\n`);
  }

  tellRest(what: string, count: number): void {
    if (count > MAX_TOLD) this.tell(`${count} ${what} in all; the first ${MAX_TOLD} are told above`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#bar?.stop();
    this.#bar = undefined;
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
    const error = new IngestRefusedError(`ingest was away for ${PATIENCE_MS / 60_000} minutes: ${reason}`);
    this.#timer = setTimeout(() => this.#giveUp(error), PATIENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
