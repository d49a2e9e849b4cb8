import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventRegistry } from '@hailstream/events';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import {
  cpuSeconds,
  runToEnd,
  startBrokerProcess,
  startHttpProcess,
  startScript,
  temporaryFolder,
} from '../../harness/processes.js';
import type { Figure } from '../../harness/report.js';
import type { Suite } from '../../harness/suite.js';
import {
  compareTrips,
  type DistanceCounts,
  type RebuiltRow,
  type TripComparison,
  type TrueRide,
} from './compare-trips.js';
import { FaultyNetwork, type FaultCounts } from './faulty-network.js';

const CITY = fileURLToPath(new URL('../../../../cities/monaco.geojson', import.meta.url));
const BATCH = 'apps/batch/dist/main.js';
const PAST = 'apps/driver-sim/dist/past.js';

type Say = (what: string) => void;

/**
 * The trips that batch rebuilds against the rides that the simulator knows: a past time is simulated through a network with faults,
 * while batch loads it again and again. Fails if the tables do not have exactly the accepted events.
 */
export const truthSuite: Suite = {
  name: 'truth',
  run: ({ vehicles, minutes, city = CITY, roundMs }, say) => {
    const isQuick = roundMs < 5_000;
    return measure(
      { vehicles: vehicles ?? (isQuick ? 30 : 2_000), minutes: minutes ?? (isQuick ? 10 : 60), city },
      say,
    );
  },
};

interface Size {
  readonly vehicles: number;
  readonly minutes: number;
  readonly city: string;
}

async function measure(size: Size, say: Say): Promise<Figure[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(join(folder.path, 'broker'));
  await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
  await using ingest = await startHttpProcess({
    script: 'apps/ingest/dist/main.js',
    env: { KAFKA_BROKERS: broker.url },
    readyPath: '/health/ready',
  });
  await using network = await FaultyNetwork.start(ingest.url);
  const truthFile = join(folder.path, 'truth.jsonl');
  const batch = new Batch(
    { KAFKA_BROKERS: broker.url, DATABASE_URL: postgres.url, BATCH_CITY: size.city },
    say,
  );
  say(`simulating ${size.minutes} minutes of ${size.vehicles} vehicles, loading meanwhile`);
  const simulated = await simulate({ size, ingestUrl: network.origin, truthFile }, batch);
  await network.settle();
  say(`${simulated.accepted} events accepted in ${simulated.seconds} s; loading the rest`);
  await batch.load();
  const cpuOfIngest = await cpuSeconds(ingest.pid);
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const loaded = await countRows(client);
    if (simulated.rejected > 0 || loaded !== simulated.accepted) {
      throw new Error(
        `${simulated.accepted} events accepted, ${simulated.rejected} rejected, and ${loaded} rows loaded`,
      );
    }
    const comparison = compareTrips(await readTruth(truthFile), await readRebuilt(client));
    for (const difference of comparison.differences) say(difference);
    say('rebuilding all trips again');
    const again = await batch.rebuildAll();
    return [
      ...loadFigures(size, { simulated, faults: network.counts, batch, again, cpuOfIngest }),
      ...tripFigures(comparison),
      ...(await verdictFigures(client)),
    ];
  } finally {
    await client.end();
  }
}

/** The last line of the simulator. */
interface Simulated {
  readonly rides: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retried: number;
  readonly seconds: number;
}

/** Simulates until now, and loads meanwhile: one load after the other. */
async function simulate(
  { size, ingestUrl, truthFile }: { size: Size; ingestUrl: string; truthFile: string },
  batch: Batch,
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

interface Rebuilt {
  readonly rebuilt: number;
  readonly changed: number;
  readonly seconds: number;
}

/** Runs of batch, and what they have counted. */
class Batch {
  loads = 0;
  rows = 0;
  duplicates = 0;
  /** Time of the loads, without the start of their processes, and of the processes. */
  loadSeconds = 0;
  processSeconds = 0;
  rebuilt = 0;
  changed = 0;

  constructor(
    private readonly env: Readonly<Record<string, string>>,
    private readonly say: Say,
  ) {}

  async load(): Promise<void> {
    const startedAt = performance.now();
    const output = await runToEnd(BATCH, ['run', '--json'], this.env);
    const { rows, duplicates, seconds, rebuiltTrips } = JSON.parse(lastLine(output)) as {
      rows: number;
      duplicates: number;
      seconds: number;
      rebuiltTrips?: Omit<Rebuilt, 'seconds'>;
    };
    if (rebuiltTrips === undefined) throw new Error(`the trips could not be rebuilt:\n${output}`);
    const processSeconds = (performance.now() - startedAt) / 1_000;
    this.loads += 1;
    this.rows += rows;
    this.duplicates += duplicates;
    this.loadSeconds += seconds;
    this.processSeconds += processSeconds;
    this.rebuilt += rebuiltTrips.rebuilt;
    this.changed += rebuiltTrips.changed;
    this.say(
      `load ${this.loads}: ${rows} rows in ${seconds.toFixed(1)} s, ${rebuiltTrips.rebuilt} trips rebuilt, ${processSeconds.toFixed(1)} s in all`,
    );
  }

  /** Rebuilds all trips from the loaded events. */
  async rebuildAll(): Promise<Rebuilt> {
    const startedAt = performance.now();
    const counts = JSON.parse(
      lastLine(await runToEnd(BATCH, ['rebuild-trips', '--json'], this.env)),
    ) as Rebuilt;
    return { ...counts, seconds: (performance.now() - startedAt) / 1_000 };
  }
}

function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1)!;
}

async function countRows(client: Client): Promise<number> {
  const tables = eventRegistry.families.flatMap(({ table }) => (table === null ? [] : [table]));
  const { rows } = await client.query<{ count: string }>(
    `SELECT sum(count) AS count FROM (${tables.map((table) => `SELECT count(*) AS count FROM ride.${table}`).join(' UNION ALL ')}) AS counts`,
  );
  return Number(rows[0]!.count);
}

async function readTruth(file: string): Promise<TrueRide[]> {
  const rides: TrueRide[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    rides.push(JSON.parse(line) as TrueRide);
  }
  return rides;
}

async function readRebuilt(client: Client): Promise<RebuiltRow[]> {
  return (await client.query<RebuiltRow>('SELECT * FROM ride.rebuilt_trips')).rows;
}

/** The simulator's reports are true and its vehicles follow the state machine. */
async function verdictFigures(client: Client): Promise<Figure[]> {
  const { rows } = await client.query<{ differing: number; violations: number }>(
    `SELECT (SELECT count(*) FROM analysis.trip_comparison WHERE verdict <> 'matches')::integer AS differing,
       (SELECT count(*) FROM analysis.state_violations)::integer AS violations`,
  );
  return [
    figure('reports of the operator that differ', rows[0]!.differing, 'trips', { atMost: 0 }),
    figure('violations of the state machine', rows[0]!.violations, 'events', { atMost: 0 }),
  ];
}

function loadFigures(
  { vehicles, minutes }: Size,
  run: {
    readonly simulated: Simulated;
    readonly faults: FaultCounts;
    readonly batch: Batch;
    readonly again: Rebuilt;
    readonly cpuOfIngest: number;
  },
): Figure[] {
  const { simulated, faults, batch, again } = run;
  const { accepted, retried, seconds } = simulated;
  const of = `${vehicles} vehicles, ${minutes} minutes`;
  return [
    figure(`${of}: events accepted`, accepted, 'events'),
    figure('rate of ingest through the faulty network', accepted / seconds, 'events/s'),
    figure('processor time of ingest', run.cpuOfIngest, 's'),
    figure('events sent again', retried, 'events'),
    figure('requests', faults.requests, 'requests'),
    figure('requests lost', faults.lost, 'requests'),
    figure(`requests delayed`, faults.delayed, 'requests'),
    figure('answers lost', faults.unanswered, 'requests'),
    figure('requests that arrived twice', faults.repeated, 'requests'),
    figure('times that all connections were cut', faults.cuts, 'cuts'),
    figure('duplicates that batch met', batch.duplicates, 'events'),
    figure('loads', batch.loads, 'loads'),
    figure('rate of the loads', batch.rows / batch.loadSeconds, 'rows/s'),
    figure('time of the loads', batch.loadSeconds, 's'),
    figure(
      'time of the loads with aggregates, rebuilding and starts of processes',
      batch.processSeconds,
      's',
    ),
    figure('trips rebuilt by loads, with repetitions', batch.rebuilt, 'trips'),
    figure('rebuilding all trips again', again.seconds, 's'),
    figure('rebuilding all trips again, per second', again.rebuilt / again.seconds, 'trips/s'),
    figure('trips that rebuilding again has changed', again.changed, 'trips', { atMost: 0 }),
  ];
}

function tripFigures(comparison: TripComparison): Figure[] {
  const { rides, completed, missing, extra, distances, roadDistances } = comparison;
  const none = { atMost: 0 };
  return [
    figure('rides of the simulation', rides, 'rides', { atLeast: 1 }),
    figure('completed rides', completed, 'rides', { atLeast: 1 }),
    figure('rides with the same ids, state and times', comparison.equal, 'trips', { atLeast: rides }),
    figure('missing trips', missing, 'trips', none),
    figure('extra trips', extra, 'trips', none),
    figure('trips with other ids', comparison.wrongIds, 'trips', none),
    figure('trips with another state', comparison.wrongStates, 'trips', none),
    figure('trips with other times', comparison.wrongTimes, 'trips', none),
    ...distanceFigures('distance', distances, completed),
    ...distanceFigures('distance on the roads', roadDistances, completed),
  ];
}

function distanceFigures(name: string, counts: DistanceCounts, completed: number): Figure[] {
  const { known, within, withinShare, withinResolution, excess, worst } = counts;
  const isAlongPositions = name === 'distance';
  return [
    figure(`${name}: not known`, completed - known, 'trips', { atMost: 0 }),
    figure(`${name}: off by more than 1 % and 5 m`, known - within, 'trips', { atMost: 0 }),
    figure(`${name}: off by more than 1 %`, known - withinShare, 'trips'),
    ...(isAlongPositions
      ? [
          figure(
            `${name}: off by more than 1 % and the resolution of the speeds`,
            known - withinResolution,
            'trips',
            { atMost: 0 },
          ),
        ]
      : []),
    figure(`${name}: largest difference of more than 1 % and 5 m`, worst * 100, '%'),
    figure(`${name}: all together, more than driven`, excess * 100, '%'),
  ];
}

function figure(name: string, value: number, unit: string, target: Figure['target'] = null): Figure {
  return { kind: 'figure', name, value, unit, target };
}
