import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import {
  cpuSeconds,
  startBrokerProcess,
  startHttpProcess,
  temporaryFolder,
} from '../../harness/processes.js';
import type { Figure } from '../../harness/report.js';
import type { Suite } from '../../harness/suite.js';
import { BatchRuns, countRows, readRebuilt, type Rebuilt } from './batch-runs.js';
import { compareTrips, type TripComparison } from './compare-trips.js';
import { distanceFigures, figure } from './distance-figures.js';
import { measureDistances } from './distances.js';
import { FaultyNetwork, type FaultCounts } from './faulty-network.js';
import { readTruth, simulate, type Simulated, type Size } from './simulation.js';

const CITY = fileURLToPath(new URL('../../../../cities/monaco.geojson', import.meta.url));

type Say = (what: string) => void;

/**
 * The trips that batch rebuilds against the rides that the simulator knows: a past time is simulated through a network with faults,
 * while batch loads it again and again. Fails if the tables do not have exactly the accepted events. `--job distances` has no faults: it
 * compares the distances with fewer and fewer positions.
 */
export const truthSuite: Suite = {
  name: 'truth',
  run: ({ job, vehicles, minutes, city = CITY, roundMs }, say) => {
    const isQuick = roundMs < 5_000;
    const size = (usual: number): Size => ({
      vehicles: vehicles ?? (isQuick ? 30 : usual),
      minutes: minutes ?? (isQuick ? 10 : 60),
      city,
    });
    return job === 'distances' ? measureDistances(size(200), say) : measure(size(2_000), say);
  },
};

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
  const batch = new BatchRuns(
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
    readonly batch: BatchRuns;
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
