import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { startPostgres } from '@hailstream/tools/postgres';
import { startBrokerProcess, runToEnd, temporaryFolder } from '../../harness/processes.js';
import type { Figure, PlanRow, Row } from '../../harness/report.js';
import { median } from '../../harness/rounds.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { cityOf, DAY_MS, DAYS, fillDay, firstDay, prepareCity, zonesFile, type City } from './city.js';
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

/**
 * Thirty days of a city in Postgres, with a tenth of the rows and with all: loads, views, disk, backfill and retention. With a
 * folder, the log and the databases are kept in it, and the next run measures them again.
 */
export const warehouseSuite: Suite = {
  name: 'warehouse',
  run: async (effort, say) => {
    await using folder = await workFolder(effort.folder);
    say('starting the broker and Postgres');
    // Records of the first days are older than the retention of the log.
    const settings = ['log.retention.ms=-1'];
    await using broker = await startBrokerProcess(join(folder.path, 'broker'), undefined, settings);
    await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
    const server = { brokers: broker.url, databaseUrl: postgres.url, postgresPid: postgres.pid };
    const kept = await readKept(folder.path);
    const built = kept ?? { rows: effort.rows, fromMs: firstDay() };
    const figures = kept === undefined ? await build(server, folder.path, built, say) : [];
    await writeFile(join(folder.path, KEPT_FILE), JSON.stringify(built));
    return [...figures, ...(await measure(server, built, effort, say))];
  },
};

/** What the databases of a folder were built with. */
interface Built {
  readonly rows: number;
  readonly fromMs: number;
}

/** Written to the folder once its databases are complete. */
const KEPT_FILE = 'built.json';

async function readKept(folder: string): Promise<Built | undefined> {
  const text = await readFile(join(folder, KEPT_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as Built);
}

async function workFolder(path: string | undefined): Promise<AsyncDisposable & { readonly path: string }> {
  if (path === undefined) return await temporaryFolder();
  await mkdir(path, { recursive: true });
  return { path: resolve(path), [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** The numbers of rows that databases are built with. */
const countsOf = ({ rows }: Built): readonly number[] => [rows / 10, rows];
const sizeName = (rows: number): string => `${rows.toLocaleString('en-US')} rows`;
const loadRowsOf = ({ rows }: Built): number => Math.max(1_000, Math.min(MAX_LOAD_ROWS, rows / 10));
const backfilledDay = ({ fromMs }: Built): number => fromMs + BACKFILL_DAY * DAY_MS;

async function build(server: Warehouse, folder: string, built: Built, say: Say): Promise<Row[]> {
  await appendPastPositions(server.brokers, backfilledDay(built), loadRowsOf(built));
  await appendEachDay(server.brokers, cityOf(built.rows, built.fromMs));
  await createDatabase(server, 'bench_empty');
  await runBatch(databaseOf(server, 'bench_empty'), ['run', '--json']);
  const zones = join(folder, 'zones.geojson');
  await writeFile(zones, zonesFile());
  const figures: Row[] = [];
  for (const count of countsOf(built)) {
    const city = cityOf(count, built.fromMs);
    await createDatabase(server, `bench_${count}`);
    const warehouse = databaseOf(server, `bench_${count}`);
    figures.push(...(await fill(warehouse, { city, size: sizeName(count), zones }, say)));
  }
  return figures;
}

/** Measures databases that are complete. `--job` selects what is measured. */
async function measure(
  server: Warehouse,
  built: Built,
  { job = '', rounds }: Effort,
  say: Say,
): Promise<Row[]> {
  const isWanted = (name: string): boolean => name.includes(job);
  const rows: Row[] = [];
  const counts = countsOf(built);
  const filled = counts.map((count) => databaseOf(server, `bench_${count}`));
  const plans: PlanRow[] = [];
  for (const [index, { databaseUrl }] of filled.entries()) {
    const count = counts[index]!;
    const size = sizeName(count);
    await withClient(databaseUrl, async (client) => {
      if (isWanted('sizes')) rows.push(...(await measureSizes(client, size)));
      if (!isWanted('views')) return;
      say(`${size}: timing views, load average ${loadavg()[0]!.toFixed(1)}`);
      plans.push(...(await measureViews(client, cityOf(count, built.fromMs), size)));
    });
  }
  rows.push(...extrapolated(plans, built.rows));
  const loadRows = loadRowsOf(built);
  const warehouses = [databaseOf(server, 'bench_empty'), ...filled];
  // What an earlier run has appended and not loaded.
  if (['loads', 'backfill', 'retention'].some(isWanted)) {
    for (const warehouse of warehouses) await runBatch(warehouse, ['run', '--json']);
  }
  if (isWanted('loads')) {
    say(`loads of ${loadRows} positions, alternating, load average ${loadavg()[0]!.toFixed(1)}`);
    rows.push(...(await measureLoads(warehouses, { loadRows, rounds })));
  }
  const warehouse = filled.at(-1)!;
  if (isWanted('backfill')) {
    say(`a backfill next to a load, load average ${loadavg()[0]!.toFixed(1)}`);
    rows.push(...(await measureBackfill(warehouse, { dayMs: backfilledDay(built), rows: loadRows, rounds })));
  }
  if (isWanted('retention')) {
    say(`retention next to a load, load average ${loadavg()[0]!.toFixed(1)}`);
    rows.push(...(await measureRetention(warehouse, loadRows)));
  }
  return rows;
}

async function createDatabase(server: Warehouse, name: string): Promise<void> {
  await withClient(server.databaseUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name}`));
  await withClient(server.databaseUrl, (client) => client.query(`CREATE DATABASE ${name}`));
}

function databaseOf(server: Warehouse, name: string): Warehouse {
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
