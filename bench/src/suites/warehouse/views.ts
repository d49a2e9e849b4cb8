import type pg from 'pg';
import { cpuSeconds } from '../../harness/processes.js';
import type { PlanRow } from '../../harness/report.js';
import { median } from '../../harness/rounds.js';
import { DAY_MS, DAYS, type City } from './city.js';

/** The views that are asked for a period, with the column of its condition, and how they are asked for one vehicle. */
const VIEWS: readonly (readonly [name: string, time: string])[] = [
  ['waits', 'hour'],
  ['completion', 'hour'],
  ['rides', 'requested_hour'],
  ['utilisation', 'hour'],
  ['cell_supply_demand', 'quarter'],
  ['zone_supply_demand', 'quarter'],
  ['fleet_needed', 'hour'],
  ['cell_speeds', 'hour'],
  ['idle_hot_spots', 'hour'],
  ['earnings', 'hour'],
  ['data_quality', 'day'],
  ['vehicle_state_periods', 'starts_at'],
  ['vehicle_utilisation', 'day'],
  ['trips_per_hour', 'hour'],
  ['supply_demand', 'quarter'],
  ['trip_comparison', 'reported_end_time'],
  ['state_violations', 'timestamp'],
  ['trip_gaps', 'starts_at'],
];
/** Has no time: it is asked for all rows, and so slow that it is executed once. */
const OF_ALL_ROWS = 'repeated_ids';
/** Views of vehicles that are also asked for the 30 days of one of them. */
const OF_ONE_VEHICLE = ['vehicle_state_periods', 'vehicle_utilisation', 'rides'];

const ROUNDS = 3;
const PARTITION = /^(telemetry|vehicle_events|rider_events|trips)_(\d{8}|\d{6}|before_\d+)/;
/** Bytes of a block. */
const BLOCK = 8_192;
const TARGET_MS = 1_000;

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Temp Written Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}
interface Explained {
  readonly Plan: PlanNode;
  readonly 'Planning Time': number;
  readonly 'Execution Time': number;
}

/** Times all views over 30 days, one day and one hour, in a database that is used by nobody else. */
export async function measureViews(client: pg.Client, city: City, size: string): Promise<PlanRow[]> {
  const endMs = city.fromMs + DAYS * DAY_MS;
  const noon = endMs - DAY_MS / 2;
  const periods = [
    ['30 days', city.fromMs, endMs],
    ['one day', endMs - DAY_MS, endMs],
    ['one hour', noon, noon + 3_600_000],
  ] as const;
  const rows: PlanRow[] = [];
  for (const [view, column] of VIEWS) {
    for (const [period, fromMs, toMs] of periods) {
      const sql = `SELECT * FROM analysis.${view} WHERE "${column}" >= '${new Date(fromMs).toISOString()}'
        AND "${column}" < '${new Date(toMs).toISOString()}'`;
      rows.push(await explain(client, { name: view, period, size }, sql));
    }
  }
  for (const view of OF_ONE_VEHICLE) {
    const sql = `SELECT * FROM analysis.${view} WHERE device_id = md5('device 1')::uuid`;
    rows.push(await explain(client, { name: view, period: 'one vehicle', size }, sql));
  }
  const sql = `SELECT * FROM analysis.${OF_ALL_ROWS}`;
  rows.push(await explain(client, { name: OF_ALL_ROWS, period: 'all rows', size }, sql, 0));
  return rows;
}

async function explain(
  client: pg.Client,
  about: Pick<PlanRow, 'name' | 'period' | 'size'>,
  sql: string,
  rounds = ROUNDS,
): Promise<PlanRow> {
  const times: number[] = [];
  let plan: PlanNode | undefined;
  // The first execution reads the blocks into memory, unless it is the only one.
  for (let round = 0; round <= rounds; round += 1) {
    const { rows } = await client.query<{ 'QUERY PLAN': readonly Explained[] }>(
      `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${sql}`,
    );
    const explained = rows[0]!['QUERY PLAN'][0]!;
    if (round > 0 || rounds === 0) times.push(explained['Planning Time'] + explained['Execution Time']);
    plan = explained.Plan;
  }
  const cpuMs = await processorMs(client, sql);
  const read = nodesOf(plan!).filter((node) => node['Actual Loops'] > 0);
  const partitions = new Set(
    read.map((node) => node['Relation Name']).filter((name) => PARTITION.test(name ?? '')),
  );
  return {
    kind: 'plan',
    ...about,
    ms: median(times),
    cpuMs,
    targetMs: TARGET_MS,
    rows: plan!['Actual Rows'],
    partitions: partitions.size,
    spilledBytes: (plan!['Temp Written Blocks'] ?? 0) * BLOCK,
  };
}

/** Processor time of a query without parallel workers, in steps of 10 ms. Other load on the machine hardly affects it. */
async function processorMs(client: pg.Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await client.query('SET max_parallel_workers_per_gather = 0');
  const before = await cpuSeconds(rows[0]!.pid);
  await client.query(`EXPLAIN (ANALYZE, TIMING OFF) ${sql}`);
  const after = await cpuSeconds(rows[0]!.pid);
  await client.query('RESET max_parallel_workers_per_gather');
  return (after - before) * 1_000;
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
