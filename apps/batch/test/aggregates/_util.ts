import type { Telemetry } from '@hailstream/events';
import { tablesByTopic } from '../../src/rows/tables.js';
import { migrate } from '../../src/database/migrate.postgres.js';
import { begin, withConnection, type Pool } from '../../src/database/pool.postgres.js';
import { CopyWriter } from '../../src/rows/copy-writer.js';
import { encodeChunk } from '../../src/rows/encode-chunk.js';
import { createPartition, missingDays } from '../../src/storage/partitions.postgres.js';
import { RowWriter } from '../../src/storage/row-writer.postgres.js';
import { SeenIds } from '../../src/storage/seen-ids.postgres.js';
import { ErasedIds } from '../../src/erasure/erased-ids.postgres.js';
import type { LogRecord } from '@hailstream/log';
import type { TestDatabase } from '../_util.js';

const LATENESS_MS = [0, 61_000, 601_000, 3_601_000, 86_401_000, 5_000];

/** When a position is received: sometimes late, depending on its id. */
export function receivedMsOf({ telemetry_id, timestamp }: Telemetry): number {
  return timestamp + LATENESS_MS[Number.parseInt(telemetry_id.slice(-2), 16) % LATENESS_MS.length]!;
}

/** Writes events of one table in a transaction, as a load does. Returns the number of rows. */
export async function writeEvents(pool: Pool, tableName: string, events: readonly object[]): Promise<number> {
  const table = [...tablesByTopic.values()].find(({ name }) => name === tableName)!;
  const records = events.map((event, index): LogRecord => ({
    offset: BigInt(index),
    key: null,
    value: Buffer.from(JSON.stringify(event)),
    headers: {},
    timestampMs: 'telemetry_id' in event ? receivedMsOf(event as Telemetry) : Date.now(),
  }));
  const limits = { nowMs: Date.now(), maxAgeDays: 1_000 };
  return await withConnection(pool, async (client) => {
    await begin(client);
    const encoded = await encodeChunk(table, records, { writer: new CopyWriter(), ...limits });
    if (encoded.rejects.length > 0) throw new Error(encoded.rejects[0]!.reason);
    for (const day of await missingDays(client, table.name, encoded.days)) {
      await createPartition(client, table.name, { day, nowMs: limits.nowMs });
    }
    const { rows } = await new RowWriter(client, table, new SeenIds(table), new ErasedIds()).write(
      encoded.rows,
      0n,
    );
    await client.query('COMMIT');
    return rows;
  });
}

const TIME = (column: string): string =>
  `coalesce(to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'none')`;
const OR_NONE = (column: string): string => `coalesce(${column}::text, 'none')`;

const QUERIES: Readonly<Record<string, string>> = {
  vehicle_quarters: `SELECT concat_ws(' ', provider_id, device_id, ${TIME('quarter')}, ${TIME('first_at')},
    ${TIME('last_at')}, ${TIME('previous_at')}, positions, received, late_1m, late_10m,
    late_1h, late_1d, round(lateness_seconds::numeric * 1000), round(max_lateness_seconds::numeric * 1000)) AS line
    FROM ride.vehicle_quarters`,
  // The parts of a period are adjacent, and each is in its hour.
  state_periods: `SELECT concat_ws(' ', provider_id, device_id, vehicle_state, ${TIME('event_at')}, ${TIME('max(ends_at)')}) AS line
    FROM ride.state_periods GROUP BY provider_id, device_id, vehicle_state, event_at, event_id
    HAVING min(starts_at) = event_at AND max(ends_at) - min(starts_at) = sum(ends_at - starts_at)
      AND bool_and(hour = date_trunc('hour', starts_at, 'UTC') AND ends_at <= hour + interval '1 hour')`,
  state_hours: `SELECT concat_ws(' ', ${TIME('hour')}, provider_id, vehicle_state, milliseconds) AS line FROM ride.state_hours`,
  cell_quarters: `SELECT concat_ws(' ', ${TIME('quarter')}, provider_id, to_hex(h3_cell), positions, vehicles, available_vehicles,
    round(available_seconds::numeric * 1000, 0), speed_count, to_char(speed_sum, 'FM999990.000'), moving_count,
    to_char(moving_speed_sum, 'FM999990.000'), requests, pick_ups, drop_offs) AS line FROM ride.cell_quarters`,
  // Sums of what the test calculates itself for cell_quarters.
  cell_hours: `SELECT concat_ws(' ', ${TIME('hour')}, provider_id, to_hex(h3_cell), round(available_seconds::numeric * 1000, 0),
    speed_count, to_char(speed_sum, 'FM999990.000'), moving_count, to_char(moving_speed_sum, 'FM999990.000'), requests) AS line
    FROM ride.cell_hours`,
  ride_outcomes: `SELECT concat_ws(' ', provider_id, trip_id, ${TIME('requested_at')}, coalesce(to_hex(h3_cell), 'none'),
    ${TIME('assigned_at')}, ${TIME('picked_up_at')}, ${OR_NONE('device_id')}, ${TIME('ended_at')}, ${TIME('cancelled_at')},
    ${OR_NONE('cancelled_by')}, ${TIME('reported_start_at')}, ${TIME('reported_end_at')}, ${OR_NONE('duration')},
    ${OR_NONE('actual_cost')}) AS line FROM ride.ride_outcomes`,
};

/** The stored aggregates, one line per row. */
export async function storedAggregates(
  database: Pick<TestDatabase, 'query'>,
): Promise<Record<string, string[]>> {
  const stored: Record<string, string[]> = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    stored[name] = (await database.query<{ line: string }>(query)).map(({ line }) => line).toSorted();
  }
  return stored;
}

/** The violations that the view has. */
export const STORED_VIOLATIONS = 'SELECT * FROM analysis.state_violations ORDER BY event_id, provider_id';

/** The violations by a comparison of all events with the event before them. */
export const EXPECTED_VIOLATIONS = `SELECT
  events.provider_id,
  events.device_id,
  previous.event_id AS previous_event_id,
  previous.vehicle_state AS previous_state,
  previous."timestamp" AS previous_time,
  events.event_id,
  events.vehicle_state,
  events.event_types,
  events."timestamp"
FROM ride.vehicle_events AS events
CROSS JOIN LATERAL (
  SELECT earlier.event_id, earlier.vehicle_state, earlier."timestamp"
  FROM ride.vehicle_events AS earlier
  WHERE earlier.device_id = events.device_id AND earlier.provider_id = events.provider_id
    AND earlier."timestamp" <= events."timestamp"
    AND (earlier."timestamp", earlier.event_id) < (events."timestamp", events.event_id)
  ORDER BY earlier."timestamp" DESC, earlier.event_id DESC
  LIMIT 1
) AS previous
WHERE NOT EXISTS (
  WITH RECURSIVE reached (state, steps) AS (
    SELECT previous.vehicle_state, 0
    UNION
    SELECT transitions.to_state, reached.steps + 1
    FROM reached JOIN analysis.vehicle_transitions AS transitions
      ON transitions.from_state = reached.state AND transitions.event_type = events.event_types[reached.steps + 1]
  )
  SELECT FROM reached WHERE steps = cardinality(events.event_types) AND state = events.vehicle_state
)
ORDER BY event_id, provider_id`;

/** Views that read aggregates of their own since the migrations after {@link LAST_WITHOUT_AGGREGATES}. */
const VIEWS = [
  'supply_demand',
  'cell_supply_demand',
  'zone_supply_demand',
  'waits',
  'completion',
  'data_quality',
  'vehicle_utilisation',
  'vehicle_state_periods',
];
/** The last migration with which these views summed what was calculated by quarter. */
export const LAST_WITHOUT_AGGREGATES = 17;

/** Applies all migrations, and creates a schema `previous` with the views as they were after an earlier one. */
export async function migrateWithPreviousViews(pool: Pool): Promise<void> {
  await migrate(pool, { until: LAST_WITHOUT_AGGREGATES });
  const { rows } = await pool.query<{ view: string; query: string }>(
    `SELECT view, pg_get_viewdef(format('analysis.%I', view)::regclass) AS query FROM unnest($1::text[]) AS view`,
    [VIEWS],
  );
  await migrate(pool);
  await pool.query('CREATE SCHEMA previous');
  for (const { view, query } of rows) await pool.query(`CREATE VIEW previous.${view} AS ${query}`);
}

/** The rows of these views in a schema, in a stable order, with numbers rounded to nine digits: sums have no order. */
export async function viewRows(
  { query }: Pick<TestDatabase, 'query'>,
  schema: 'analysis' | 'previous',
): Promise<Record<string, string[]>> {
  const views: Record<string, string[]> = {};
  for (const view of VIEWS) {
    const rows = await query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(selected) AS row FROM ${schema}.${view} AS selected`,
    );
    const lines = rows.map(({ row }) =>
      JSON.stringify(row, (_, value: unknown) =>
        typeof value === 'number' ? Number(value.toPrecision(9)) : value,
      ),
    );
    views[view] = lines.toSorted();
  }
  return views;
}
