import { EARLIEST_TIMESTAMP_MS } from '@hailstream/events';
import type { ReplayConfig } from '../config.js';
import { configuredToken } from '../ingest-token.js';
import { IngestRefusedError, type Outbox } from '../outbox/outbox.js';
import { MAX_LISTED, OutboxSession, sentCounts, type SentCounts } from '../sending/outbox-session.js';
import { ProgressScreen } from '../sending/progress-screen.js';
import { TraceError } from '../trace/read-lines.js';
import type { ImportArgs } from './import-args.js';
import type { SkipReason } from './imported-trip.js';
import { readTrips, type TripFile, type TripReadObserver } from './read-trips.js';
import { shiftDaysOf } from './time-shift.js';
import { TripEvents } from './trip-events.js';
import { readZonePositions } from './zone-positions.js';

const DAY_MS = 86_400_000;

/** Maximum number of events that wait for ingest; with more, no further ones are created. */
const MAX_WAITING_EVENTS = 20_000;

/** Result of an import: the last line of its output with `--json`. The counts at the top are those of all events. */
export interface ImportResult extends SentCounts {
  readonly layout: string;
  readonly rows: number;
  /** Rows that became events; the others are in `skipped`. */
  readonly converted: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly devices: number;
  /** Trips that started while their vehicle had another trip; each has a device of its own. */
  readonly overlapping: number;
  /** Days by which the times of the file were moved. */
  readonly shiftedDays: number;
  readonly seconds: number;
  readonly vehicleEvents: SentCounts;
  readonly riderEvents: SentCounts;
  readonly trips: SentCounts;
}

/**
 * Exit code of an import: 0 if all events were accepted, also if rows were skipped; 1 if nothing was sent, events were
 * rejected or it was stopped early; 2, as of gzip, if garbage after the gzip data was ignored.
 */
type ImportExitCode = 0 | 1 | 2;

/**
 * Imports a file of trips on the command line.
 *
 * @throws TraceError if a file cannot be read; nothing has been sent then
 * @throws IngestRefusedError if ingest will never accept it; the result so far is printed before
 */
export async function runImport(options: {
  args: ImportArgs;
  config: ReplayConfig;
  signal: AbortSignal;
}): Promise<ImportExitCode> {
  const { args, config, signal } = options;
  const startedAt = performance.now();
  const nowMs = Date.now();
  using screen = new ProgressScreen({ command: 'import', unit: 'events' });
  await using session = new OutboxSession(
    { ...config.ingest, token: configuredToken(config.ingest) },
    screen,
  );
  const { outbox } = session;
  let hasWarning = false;
  const file = await readTrips({
    ...args,
    zones: args.zonesPath === undefined ? undefined : readZonePositions(args.zonesPath),
    nowMs,
    observer: readObserver(screen, () => (hasWarning = true)),
    signal,
  });
  const shiftDays = shiftOf(file, args, nowMs);
  const { providerId } = config.ingest;
  const events = new TripEvents(file.trips, {
    providerId,
    layout: file.layout.name,
    shiftMs: shiftDays * DAY_MS,
  });
  printFile(screen, file, events, shiftDays);
  const finish = (): ImportResult => {
    screen.end();
    const result = resultOf({ file, events, shiftDays, outbox, startedAt });
    if (result.sent === 0) screen.print('nothing was sent');
    if (result.rejected > 0) screen.print(`${result.rejected} of ${result.sent} events were rejected`);
    report(result, args.json);
    return result;
  };
  try {
    screen.sending(events.count, () => outbox.counts.accepted);
    await send(events, outbox, signal);
    await session.whenSent(signal);
  } catch (error) {
    if (error instanceof IngestRefusedError) finish();
    throw error;
  }
  if (signal.aborted) screen.print(`stopped early; ${outbox.waiting()} events were not accepted`);
  const { accepted, rejected } = finish();
  if (signal.aborted || accepted === 0 || rejected > 0) return 1;
  return hasWarning ? 2 : 0;
}

/** Puts the events into the outbox, in order of time, as fast as ingest accepts them. */
async function send(events: TripEvents, outbox: Outbox, signal: AbortSignal): Promise<void> {
  for (const { family, event } of events.events()) {
    if (signal.aborted) return;
    outbox.put(family, event);
    if (outbox.waiting() >= MAX_WAITING_EVENTS) await outbox.whenAtMost(MAX_WAITING_EVENTS / 2, signal);
  }
}

/** @throws TraceError if MDS does not accept the moved times */
function shiftOf(file: TripFile, { path, shiftDays }: ImportArgs, nowMs: number): number {
  const [first, last] = [file.trips[0], file.trips.at(-1)];
  if (first === undefined || last === undefined) return shiftDays ?? 0;
  const period = { firstMs: first.startMs, lastMs: last.startMs };
  const days = shiftDays ?? shiftDaysOf(period, nowMs);
  if (period.firstMs + days * DAY_MS < EARLIEST_TIMESTAMP_MS) {
    const time = new Date(period.firstMs).toISOString();
    throw new TraceError(
      `${path}: times from ${time} on, moved by ${days} days, would be before 2018, which MDS does not accept; use a larger --shift-days`,
    );
  }
  return days;
}

function resultOf(run: {
  file: TripFile;
  events: TripEvents;
  shiftDays: number;
  outbox: Outbox;
  startedAt: number;
}): ImportResult {
  const { file, events, outbox } = run;
  return {
    ...sentCounts(outbox.counts),
    layout: file.layout.name,
    rows: file.rows,
    converted: file.converted,
    skipped: file.skipped,
    devices: events.devices,
    overlapping: events.overlapping,
    shiftedDays: run.shiftDays,
    seconds: Math.round(performance.now() - run.startedAt) / 1_000,
    vehicleEvents: sentCounts(outbox.countsOf('vehicle-events')),
    riderEvents: sentCounts(outbox.countsOf('rider-events')),
    trips: sentCounts(outbox.countsOf('trips')),
  };
}

function readObserver(screen: ProgressScreen, onWarning: () => void): TripReadObserver {
  let skipped = 0;
  return {
    warning: (warning) => {
      onWarning();
      screen.print(`warning: ${warning}`);
    },
    read: (lineCount) => screen.reading(lineCount),
    skipped: (lineNumber, { reason, detail }) => {
      skipped += 1;
      if (skipped > MAX_LISTED) return;
      screen.print(`line ${lineNumber} skipped: ${reason}${detail === undefined ? '' : ` (${detail})`}`);
    },
  };
}

/** Prints what the file contains and what follows from that. */
function printFile(screen: ProgressScreen, file: TripFile, events: TripEvents, shiftDays: number): void {
  screen.print(`${file.rows} rows with ${file.layout.title}: ${file.trips.length} trips`);
  for (const [reason, count] of Object.entries(file.skipped))
    screen.print(`rows skipped, ${reason}: ${count}`);
  if (shiftDays > 0) screen.print(`times are moved by ${shiftDays} days`);
  if (events.overlapping > 0) {
    screen.print(
      `${events.overlapping} trips started while their vehicle had another; each has a device of its own`,
    );
  }
  if (file.hasCityPositionsOnly) {
    screen.print(
      'the file has zones instead of coordinates: all positions are the middle of the city (see --zones)',
    );
  }
}

function report(result: ImportResult, json: boolean): void {
  const { sent, accepted, rejected, retried, seconds, vehicleEvents, riderEvents, trips } = result;
  const words =
    `sent ${sent} events in ${seconds} s: ${accepted} accepted, ${rejected} rejected, ${retried} retries; ` +
    `accepted: ${vehicleEvents.accepted} vehicle events, ${riderEvents.accepted} rider events and ${trips.accepted} trips`;
  process.stdout.write(`${json ? JSON.stringify(result) : words}\n`);
}
