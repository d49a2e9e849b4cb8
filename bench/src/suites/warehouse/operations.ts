import pg from 'pg';
import { childrenCpuSeconds, runToEnd } from '../../harness/processes.js';
import type { Figure } from '../../harness/report.js';
import { median } from '../../harness/rounds.js';
import { appendPositions } from './real-load.js';
import { DAY_MS, DAYS } from './city.js';

const BATCH = 'apps/batch/dist/main.js';
/** Interval at which the locks are looked at. */
const LOCKS_EVERY_MS = 10;

/** The log, the Postgres process, and the database that batch writes to. */
export interface Warehouse {
  readonly brokers: string;
  readonly databaseUrl: string;
  readonly postgresPid: number;
}

/** Runs a command of batch and returns its result. */
export async function runBatch<T>(
  { brokers, databaseUrl }: Pick<Warehouse, 'brokers' | 'databaseUrl'>,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const output = await runToEnd(BATCH, args, {
    KAFKA_BROKERS: brokers,
    DATABASE_URL: databaseUrl,
    EVENTS_MAX_AGE_DAYS: '60',
    ...env,
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as T;
}

interface LoadFigures {
  readonly rowsPerSecond: number;
  /** Processor time of batch and of the Postgres processes of its connections, aggregates and trips included. */
  readonly cpuMicrosPerRow: number;
}

/** Loads what the log has, and requires that these are so many rows. */
export async function measureLoad(warehouse: Warehouse, rows: number): Promise<LoadFigures> {
  const before = await cpuOf(warehouse);
  const result = await runBatch<{ rows: number; seconds: number }>(warehouse, ['run', '--json']);
  await connectionsClosed(warehouse.databaseUrl);
  const cpuSeconds = (await cpuOf(warehouse)) - before;
  if (result.rows !== rows) throw new Error(`expected the run to load ${rows} rows, got ${result.rows}`);
  return { rowsPerSecond: rows / result.seconds, cpuMicrosPerRow: (cpuSeconds / rows) * 1e6 };
}

/** Of processes that have ended: batch, and the connections of Postgres. */
async function cpuOf({ postgresPid }: Warehouse): Promise<number> {
  return (await childrenCpuSeconds(process.pid)) + (await childrenCpuSeconds(postgresPid));
}

/** Postgres ends the process of a connection some time after its client. */
async function connectionsClosed(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    for (;;) {
      const { rowCount } = await client.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'hailstream-batch'`,
      );
      if (rowCount === 0) return;
    }
  });
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Loads of `rows` positions alone, and next to the backfill of a day whose partition was dropped; alternating. */
export async function measureBackfill(
  warehouse: Warehouse,
  { dayMs, rows, rounds }: { readonly dayMs: number; readonly rows: number; readonly rounds: number },
): Promise<Figure[]> {
  const alone: number[] = [];
  const besideBackfill: number[] = [];
  const backfills: number[] = [];
  const range = ['--from', new Date(dayMs).toISOString(), '--to', new Date(dayMs + DAY_MS).toISOString()];
  for (let round = 0; round <= rounds; round += 1) {
    await dropDay(warehouse.databaseUrl, dayMs);
    await appendPositions(warehouse.brokers, rows);
    const first = await measureLoad(warehouse, rows);
    await appendPositions(warehouse.brokers, rows);
    const [second, backfill] = await Promise.all([
      measureLoad(warehouse, rows),
      runBatch<{ rows: number; seconds: number }>(warehouse, [
        'backfill',
        '--topic',
        'ride.telemetry',
        ...range,
        '--json',
      ]),
    ]);
    if (backfill.rows < rows)
      throw new Error(`expected the backfill to load ${rows} rows, got ${backfill.rows}`);
    if (round === 0) continue;
    alone.push(first.rowsPerSecond);
    besideBackfill.push(second.rowsPerSecond);
    backfills.push(backfill.rows / backfill.seconds);
  }
  return [
    figure('load alone', median(alone), 'rows/s'),
    figure('load next to the backfill of a day', median(besideBackfill), 'rows/s'),
    figure('backfill of the day next to the load', median(backfills), 'rows/s'),
  ];
}

/** As docs/operate.md describes it. */
async function dropDay(databaseUrl: string, dayMs: number): Promise<void> {
  const name = `telemetry_${new Date(dayMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
  await withClient(databaseUrl, async (client) => {
    await client.query(`ALTER TABLE ride.telemetry DETACH PARTITION ride.${name} CONCURRENTLY`);
    await client.query(`DROP TABLE ride.${name}`);
  });
}

/** Drops the first day of all tables by retention while a load runs, and looks at the locks meanwhile. */
export async function measureRetention(warehouse: Warehouse, rows: number): Promise<Figure[]> {
  await appendPositions(warehouse.brokers, rows);
  const tables = ['telemetry', 'vehicle_events', 'rider_events', 'trips'];
  const daysKept = Math.floor(Date.now() / DAY_MS) - (await firstStoredDay(warehouse.databaseUrl)) - 1;
  const retention = tables.map((table) => `${table}=${daysKept}d`).join(',');
  const locks = new LockWatch(warehouse.databaseUrl);
  const [load, result] = await Promise.all([
    measureLoad(warehouse, rows),
    runBatch<{ partitions: number; rows: number; seconds: number; postponed: number }>(
      warehouse,
      ['retention', '--json'],
      { BATCH_RETENTION: retention },
    ),
  ]);
  await locks.stop();
  if (result.partitions !== tables.length || result.postponed !== 0) {
    throw new Error(`expected ${tables.length} dropped partitions, got ${JSON.stringify(result)}`);
  }
  const name = `retention of one of ${DAYS} days next to a load`;
  return [
    figure(`${name}: ${result.rows} rows`, result.seconds, 's'),
    figure(`${name}: longest exclusive lock of a parent table`, locks.longestMs, 'ms'),
    figure(`${name}: longest wait of another connection`, locks.longestWaitMs, 'ms'),
    figure(`${name}: the load`, load.rowsPerSecond, 'rows/s'),
  ];
}

/** Number of the first day that has rows, since 1970. */
async function firstStoredDay(databaseUrl: string): Promise<number> {
  return await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ first: Date }>('SELECT min(end_time) AS first FROM ride.trips');
    return Math.floor(rows[0]!.first.getTime() / DAY_MS);
  });
}

/** Looks at the locks of a database until it is stopped. */
class LockWatch {
  longestMs = 0;
  longestWaitMs = 0;
  private isStopped = false;
  private readonly watching: Promise<void>;

  constructor(databaseUrl: string) {
    this.watching = withClient(databaseUrl, (client) => this.watch(client));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.watching;
  }

  private async watch(client: pg.Client): Promise<void> {
    let heldSince: number | undefined;
    while (!this.isStopped) {
      const { rows } = await client.query<{ held: boolean; waited: number | null }>(
        `SELECT EXISTS (
             SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation
             WHERE mode = 'AccessExclusiveLock' AND granted AND relkind = 'p') AS held,
           (SELECT max(extract(epoch FROM clock_timestamp() - waitstart) * 1000)::float8
            FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE NOT granted AND relkind IN ('p', 'r')) AS waited`,
      );
      const { held, waited } = rows[0]!;
      const now = performance.now();
      heldSince = held ? (heldSince ?? now) : undefined;
      if (heldSince !== undefined)
        this.longestMs = Math.max(this.longestMs, now - heldSince + LOCKS_EVERY_MS);
      this.longestWaitMs = Math.max(this.longestWaitMs, waited ?? 0);
      await new Promise((resolve) => setTimeout(resolve, LOCKS_EVERY_MS));
    }
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { kind: 'figure', name, value, unit, target: null };
}
