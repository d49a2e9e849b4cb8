import { join } from 'node:path';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import { startBrokerProcess, startHttpProcess, temporaryFolder } from '../../harness/processes.js';
import type { Figure } from '../../harness/report.js';
import { BatchRuns, readRebuilt } from './batch-runs.js';
import { compareTrips } from './compare-trips.js';
import { figure } from './distance-figures.js';
import { readTruth, simulate, type Size } from './simulation.js';

/** Seconds between two positions of a vehicle, each a subset of the one before. */
const INTERVALS = [1, 5, 10, 30] as const;

/**
 * The distances of rebuilt trips with positions every second and more seldom: the simulated hour is loaded once, then its telemetry is
 * thinned, and all trips are rebuilt, again and again.
 */
export async function measureDistances(size: Size, say: (what: string) => void): Promise<Figure[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(join(folder.path, 'broker'));
  await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
  await using ingest = await startHttpProcess({
    script: 'apps/ingest/dist/main.js',
    env: { KAFKA_BROKERS: broker.url },
    readyPath: '/health/ready',
  });
  const truthFile = join(folder.path, 'truth.jsonl');
  const env = { KAFKA_BROKERS: broker.url, DATABASE_URL: postgres.url, BATCH_CITY: size.city };
  const batch = new BatchRuns(env, say);
  say(`simulating ${size.minutes} minutes of ${size.vehicles} vehicles, loading meanwhile`);
  await simulate({ size, ingestUrl: ingest.url, truthFile }, batch);
  await batch.load();
  const rides = await readTruth(truthFile);
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const figures: Figure[] = [];
    for (const seconds of INTERVALS) {
      await thin(client, seconds);
      say(`rebuilding all trips, with a position every ${seconds} s`);
      const { rebuilt, seconds: took } = await batch.rebuildAll();
      const { completed, distances, roadDistances } = compareTrips(rides, await readRebuilt(client));
      const of = `every ${seconds} s`;
      for (const [name, counts] of [
        ['along the positions', distances],
        ['on the roads', roadDistances],
      ] as const) {
        const percent = (count: number, all: number): number => (all === 0 ? 0 : (100 * count) / all);
        const { known, within, withinShare, excess } = counts;
        figures.push(
          figure(`${of}, ${name}: known`, percent(known, completed), '%'),
          figure(`${of}, ${name}: within 1 % or 5 m`, percent(within, known), '%'),
          figure(`${of}, ${name}: within 1 %`, percent(withinShare, known), '%'),
          figure(`${of}, ${name}: all together, more than driven`, excess * 100, '%'),
        );
      }
      figures.push(figure(`${of}: rebuilt and matched to the roads`, rebuilt / took, 'trips/s'));
    }
    return [figure('completed rides', rides.filter(isCompleted).length, 'rides', { atLeast: 1 }), ...figures];
  } finally {
    await client.end();
  }
}

function isCompleted({ dropped_off_at }: { readonly dropped_off_at: number | null }): boolean {
  return dropped_off_at !== null;
}

/** Leaves the first position of each vehicle in each time of `seconds`, and no trips: they keep what deleted positions have shown. */
async function thin(client: Client, seconds: number): Promise<void> {
  await client.query('DELETE FROM ride.rebuilt_trips');
  await client.query(
    `DELETE FROM ride.telemetry AS telemetry
     USING (
       SELECT telemetry_id, provider_id, "timestamp",
         row_number() OVER (
           PARTITION BY device_id, floor(extract(epoch FROM "timestamp") / $1::integer)
           ORDER BY "timestamp"
         ) AS number
       FROM ride.telemetry
     ) AS numbered
     WHERE telemetry.telemetry_id = numbered.telemetry_id AND telemetry.provider_id = numbered.provider_id
       AND telemetry."timestamp" = numbered."timestamp" AND numbered.number > 1`,
    [seconds],
  );
  await client.query('VACUUM (ANALYZE) ride.telemetry');
}
