import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { startScript } from '../../harness/processes.js';
import type { BatchRuns } from './batch-runs.js';
import type { TrueRide } from './compare-trips.js';

const PAST = 'apps/driver-sim/dist/past.js';

/** What to simulate. */
export interface Size {
  readonly vehicles: number;
  readonly minutes: number;
  readonly city: string;
}

/** The last line of the simulator. */
export interface Simulated {
  readonly rides: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retried: number;
  readonly seconds: number;
}

/** Simulates until now, and loads meanwhile: one load after the other. */
export async function simulate(
  { size, ingestUrl, truthFile }: { size: Size; ingestUrl: string; truthFile: string },
  batch: BatchRuns,
): Promise<Simulated> {
  const args = ['--minutes', String(size.minutes), '--vehicles', String(size.vehicles), '--city', size.city];
  await using past = startScript(PAST, [...args, '--truth', truthFile, '--json'], { INGEST_URL: ingestUrl });
  let isRunning = true;
  const ended = past.exited.finally(() => (isRunning = false));
  // A failure is thrown below; the load that is running ends first.
  ended.catch(() => undefined);
  while (isRunning) await batch.load();
  await ended;
  return JSON.parse(past.output().trimEnd().split('\n').at(-1)!) as Simulated;
}

/** Rides that the simulator has written. */
export async function readTruth(file: string): Promise<TrueRide[]> {
  const rides: TrueRide[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    rides.push(JSON.parse(line) as TrueRide);
  }
  return rides;
}
