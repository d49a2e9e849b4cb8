import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@hailstream/tools/postgres';
import { startBrokerProcess, runToEnd, temporaryFolder } from '../../harness/processes.js';
import type { Figure, PlanRow, Row } from '../../harness/report.js';
import { median } from '../../harness/rounds.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { cityOf, DAY_MS, DAYS, fillDay, prepareCity, zonesFile, type City } from './city.js';
import {
  measureBackfill,
  measureLoad,
  measureRetention,
  runBatch,
  withClient,
  type Warehouse,
} from './operations.js';
import { appendEachDay, appendPastPositions, appendPositions } from './real-load.js';
import { measureSizes } from './sizes.js';
import { measureViews } from './views.js';

/** Rows of a measured load at most. */
const MAX_LOAD_ROWS = 200_000;
/** The day that is loaded again by a backfill. */
const BACKFILL_DAY = DAYS / 2;
/** Number of rows that the times of views are extrapolated to, from at least so many. */
const EXTRAPOLATED_ROWS = 100_000_000;
const EXTRAPOLATED_FROM = 1_000_000;

type Say = (what: string) => void;

/** Thirty days of a city in Postgres, with a tenth of the rows and with all: loads, views, disk, backfill and retention. */
export const warehouseSuite: Suite = {
  name: 'warehouse',
  run: async (effort, say) => {
    await using folder = await temporaryFolder();
    say('starting the broker and Postgres');
    // Records of the first days are older than the retention of the log.
    const settings = ['log.retention.ms=-1'];
    await using broker = await startBrokerProcess(join(folder.path, 'broker'), undefined, settings);
    await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
    return await measure(
      { brokers: broker.url, databaseUrl: postgres.url, postgresPid: postgres.pid },
      folder.path,
      effort,
      say,
    );
  },
};

async function measure(server: Warehouse, folder: string, effort: Effort, say: Say): Promise<Row[]> {
  const loadRows = Math.max(1_000, Math.min(MAX_LOAD_ROWS, effort.rows / 10));
  const [small, large] = [cityOf(effort.rows / 10), cityOf(effort.rows)];
  const dayMs = large.fromMs + BACKFILL_DAY * DAY_MS;
  await appendPastPositions(server.brokers, dayMs, loadRows);
  await appendEachDay(server.brokers, large);
  const empty = await createDatabase(server, 'bench_empty');
  await runBatch(empty, ['run', '--json']);

  const zones = join(folder, 'zones.geojson');
  await writeFile(zones, zonesFile());
  const rows: Row[] = [];
  const plans: PlanRow[] = [];
  const filled: Warehouse[] = [];
  for (const [city, count] of [
    [small, effort.rows / 10],
    [large, effort.rows],
  ] as const) {
    const size = `${count.toLocaleString('en-US')} rows`;
    const warehouse = await createDatabase(server, `bench_${count}`);
    rows.push(...(await fill(warehouse, { city, size, zones }, say)));
    await withClient(warehouse.databaseUrl, async (client) => {
      rows.push(...(await measureSizes(client, size)));
      say(`${size}: timing views, load average ${loadavg()[0]!.toFixed(1)}`);
      plans.push(...(await measureViews(client, city, size)));
    });
    filled.push(warehouse);
  }
  rows.push(...extrapolated(plans, effort.rows));
  say(`loads of ${loadRows} positions, alternating, load average ${loadavg()[0]!.toFixed(1)}`);
  rows.push(...(await measureLoads([empty, ...filled], { loadRows, rounds: effort.rounds })));
  const warehouse = filled.at(-1)!;
  say('a backfill next to a load');
  rows.push(...(await measureBackfill(warehouse, { dayMs, rows: loadRows, rounds: effort.rounds })));
  say('retention next to a load');
  rows.push(...(await measureRetention(warehouse, large, loadRows)));
  return rows;
}

async function createDatabase(server: Warehouse, name: string): Promise<Warehouse> {
  await withClient(server.databaseUrl, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = new URL(server.databaseUrl);
  url.pathname = `/${name}`;
  return { ...server, databaseUrl: url.href };
}

/** Loads an event of each day, inserts the others, and lets batch calculate aggregates and trips. */
async function fill(
  warehouse: Warehouse,
  { city, size, zones }: { readonly city: City; readonly size: string; readonly zones: string },
  say: Say,
): Promise<Figure[]> {
  const { brokers, databaseUrl } = warehouse;
  await runBatch(warehouse, ['run', '--json']);
  await runToEnd('apps/batch/dist/main.js', ['zones', 'load', zones], {
    KAFKA_BROKERS: brokers,
    DATABASE_URL: databaseUrl,
  });
  await withClient(databaseUrl, async (client) => {
    await prepareCity(client, city);
    for (let day = 0; day < DAYS; day += 1) {
      if (day % 5 === 0) say(`${size}: inserting day ${day + 1} of ${DAYS}`);
      await fillDay(client, city, day);
    }
    await client.query('DROP SCHEMA bench_city CASCADE');
    await vacuumTables(client);
  });
  const figures: Figure[] = [];
  for (const [what, args] of [
    ['aggregates of all rows', ['run', '--json']],
    ['all trips rebuilt', ['rebuild-trips', '--json']],
  ] as const) {
    say(`${size}: ${what}`);
    const startedAt = performance.now();
    await runBatch(warehouse, args);
    const seconds = (performance.now() - startedAt) / 1_000;
    figures.push({ kind: 'figure', name: `${size}: ${what}`, value: seconds, unit: 's', target: null });
  }
  await withClient(databaseUrl, vacuumTables);
  return figures;
}

/** Brings all tables, but no partitioned parent, into the state that autovacuum leaves them in. */
async function vacuumTables(client: {
  query(sql: string): Promise<{ rows: { name: string }[] }>;
}): Promise<void> {
  const { rows } = await client.query(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'ride'::regnamespace AND relkind = 'r'`,
  );
  for (const { name } of rows) await client.query(`VACUUM (ANALYZE) ${name}`);
}

async function measureLoads(
  warehouses: readonly Warehouse[],
  { loadRows, rounds }: { readonly loadRows: number; readonly rounds: number },
): Promise<Figure[]> {
  const results = warehouses.map((): Awaited<ReturnType<typeof measureLoad>>[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    await appendPositions(warehouses[0]!.brokers, loadRows);
    for (const [index, warehouse] of warehouses.entries()) {
      const load = await measureLoad(warehouse, loadRows);
      if (round > 0) results[index]!.push(load);
    }
  }
  return warehouses.flatMap(({ databaseUrl }, index): Figure[] => {
    const database = new URL(databaseUrl).pathname.replace('/bench_', '');
    const name =
      database === 'empty'
        ? 'load into empty tables'
        : `load into ${Number(database).toLocaleString('en-US')} rows`;
    const each = results[index]!;
    const [rate, cpu] = [
      each.map(({ rowsPerSecond }) => rowsPerSecond),
      each.map(({ cpuMicrosPerRow }) => cpuMicrosPerRow),
    ];
    return [
      { kind: 'figure', name, value: median(rate), unit: 'rows/s', target: null },
      { kind: 'figure', name: `${name}, processor time`, value: median(cpu), unit: 'µs/row', target: null },
    ];
  });
}

/** Adds the times at 100 million rows, on the line through the times of both sizes, to the plans of the larger one. */
function extrapolated(plans: readonly PlanRow[], rows: number): readonly PlanRow[] {
  if (rows < EXTRAPOLATED_FROM) return plans;
  return plans.map((plan) => {
    const [small, large] = plans.filter(({ name, period }) => name === plan.name && period === plan.period);
    if (plan !== large) return plan;
    const perRow = Math.max(0, large.ms - small!.ms) / (rows - rows / 10);
    return { ...plan, extrapolatedMs: large.ms + perRow * (EXTRAPOLATED_ROWS - rows) };
  });
}
