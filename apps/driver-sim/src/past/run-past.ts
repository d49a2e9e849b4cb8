import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { setImmediate as afterIo } from 'node:timers/promises';
import { buildGraphs, createCities } from '../cities.js';
import type { DriverSimConfig } from '../config.js';
import { ingestToken } from '../ingest-token.js';
import type { Outbox } from '../outbox/outbox.js';
import { OutboxSession } from '../sending/outbox-session.js';
import { ProgressScreen } from '../sending/progress-screen.js';
import { STEP_MS, type SimulatedCity } from '../simulation/city.js';
import type { TrueRide } from '../simulation/true-ride.js';
import type { PastArgs } from './past-args.js';

/** Maximum number of events that wait for ingest; with more, the simulation waits. */
const MAX_WAITING_EVENTS = 20_000;

/**
 * Simulates a time that ends now, as fast as ingest accepts its events, and ends all rides. Returns the exit code: 0 if all
 * events were accepted, 1 if some were rejected or the simulation was stopped early.
 *
 * @throws IngestRefusedError if ingest will never accept the events, or was unavailable for too long
 */
export async function runPast(options: {
  readonly args: PastArgs;
  readonly config: DriverSimConfig;
  readonly signal: AbortSignal;
}): Promise<0 | 1> {
  const { args, config, signal } = options;
  const startedAt = performance.now();
  const endMs = Date.now();
  const startMs = endMs - args.minutes * 60_000;
  const graphs = buildGraphs(config);
  const token = ingestToken(config);
  using screen = new ProgressScreen({ command: 'past', unit: 'minutes' });
  await using session = new OutboxSession({ ...config.ingest, token }, screen);
  const { outbox } = session;
  await using truth = new TruthFile(args.truthFile);
  const cities = createCities(config, graphs, {
    startMs,
    emit: (kind, event) => outbox.put(kind, event),
    onRideEnded: (ride) => truth.write(ride),
  });
  const progress = { minutes: 0 };
  screen.sending(args.minutes, () => progress.minutes);
  const reachedMs = await step(cities, { startMs, endMs, outbox, signal, progress });
  for (const city of cities) city.close(reachedMs);
  await session.whenSent(signal);
  screen.end();
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const { accepted, rejected, retried } = outbox.counts;
  const result = { vehicles: config.vehicles, rides: truth.count, accepted, rejected, retried, seconds };
  process.stdout.write(
    args.json
      ? `${JSON.stringify(result)}\n`
      : `${accepted} events of ${truth.count} rides accepted, ${rejected} rejected, in ${seconds} s\n`,
  );
  return signal.aborted || rejected > 0 || outbox.waiting() > 0 ? 1 : 0;
}

/** Advances the cities until the end, or until the signal is aborted. Returns the time that they have reached. */
async function step(
  cities: readonly SimulatedCity[],
  {
    startMs,
    endMs,
    outbox,
    signal,
    progress,
  }: {
    readonly startMs: number;
    readonly endMs: number;
    readonly outbox: Outbox;
    readonly signal: AbortSignal;
    readonly progress: { minutes: number };
  },
): Promise<number> {
  let cityMs = startMs;
  while (cityMs + STEP_MS <= endMs && !signal.aborted) {
    cityMs += STEP_MS;
    for (const city of cities) city.step(cityMs);
    await afterIo();
    if (outbox.waiting() >= MAX_WAITING_EVENTS) await outbox.whenAtMost(MAX_WAITING_EVENTS / 2, signal);
    progress.minutes = Math.floor((cityMs - startMs) / 60_000);
  }
  return cityMs;
}

/** The rides as the simulation knows them: one line of JSON each, in order of their ends. */
class TruthFile implements AsyncDisposable {
  count = 0;
  private readonly stream: WriteStream | undefined;
  private failure: Error | undefined;

  constructor(path: string | undefined) {
    this.stream = path === undefined ? undefined : createWriteStream(path);
    this.stream?.on('error', (error) => (this.failure = error));
  }

  /** A ride has 500 bytes: those of the whole simulation fit into memory. */
  write(ride: TrueRide): void {
    if (this.failure !== undefined) throw this.failure;
    this.count += 1;
    this.stream?.write(`${JSON.stringify(ride)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.stream === undefined) return;
    this.stream.end();
    if (this.failure === undefined && !this.stream.closed) await once(this.stream, 'close');
    if (this.failure !== undefined) throw this.failure;
  }
}
