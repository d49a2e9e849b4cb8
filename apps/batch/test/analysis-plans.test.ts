import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, loadHour } from './_analysis-hour.js';
import type { TestDatabase } from './_util.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await loadHour();
}, 60_000);

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Scan Direction'?: string;
  readonly 'Recheck Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

function scansOf(node: PlanNode): PlanNode[] {
  const own = node['Relation Name'] === undefined ? [] : [node];
  return [...own, ...(node.Plans ?? []).flatMap(scansOf)];
}

describe('one hour of a view', () => {
  it.each([
    ['supply_demand', 'quarter'],
    ['cell_supply_demand', 'quarter'],
    ['zone_supply_demand', 'quarter'],
    ['trips_per_hour', 'hour'],
    ['waits', 'hour'],
    ['completion', 'hour'],
    ['utilisation', 'hour'],
    ['fleet_needed', 'hour'],
    ['earnings', 'hour'],
    ['cell_speeds', 'hour'],
    ['idle_hot_spots', 'hour'],
    ['rides', 'requested_hour'],
    ['vehicle_state_periods', 'starts_at'],
    ['vehicle_utilisation', 'day'],
    ['data_quality', 'day'],
    ['trip_comparison', 'reported_end_time'],
  ])('%s is read from a range of an index', async (view, column) => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    // The planner reads a table this small as a whole, if it may.
    await client.query('SET enable_seqscan = off');
    // A condition on a day that no day meets is not planned.
    const [from, to] = [at(0), at(column === 'day' ? 1_440 : 60)].map((time) => time.toISOString());
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON) SELECT * FROM analysis.${view} WHERE ${column} >= '${from}' AND ${column} < '${to}'`,
    );
    await client.end();
    const scans = scansOf(rows[0]!['QUERY PLAN'][0].Plan);
    const aggregates = scans.filter((scan) =>
      /^(cell_quarters|cell_hours|cell_supply|cell_totals|zone_quarters|zone_hours|state_days|position_days|vehicle_quarters|state_periods|state_hours|ride_outcomes|compared_trips)$/.test(
        scan['Relation Name']!,
      ),
    );
    expect(aggregates.length).toBeGreaterThan(0);
    for (const scan of aggregates) {
      // The newest signal is the first entry of an index that is read backwards.
      const isNewest = scan['Scan Direction'] === 'Backward' && scan['Node Type'] === 'Index Only Scan';
      if (!isNewest) expect(scan['Index Cond'] ?? scan['Recheck Cond'], JSON.stringify(scan)).toBeDefined();
    }
    // Partitions of telemetry and events are not read at all.
    expect(
      scans
        .map((scan) => scan['Relation Name'])
        .filter((name) => /^(telemetry|vehicle_events|rider_events|trips)/.test(name!)),
    ).toEqual([]);
  });
});
