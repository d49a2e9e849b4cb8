import type pg from 'pg';
import { analyzeIfGrown } from './analyze-grown.postgres.js';
import { isInRanges, type TimeRange } from './time-ranges.js';

/** Lateness beyond which a position is counted as late: one column each. */
const LATE_BOUNDS = ['1 minute', '10 minutes', '1 hour', '24 hours'];
/** Columns, in the order in which they are calculated. */
const VALUES = [
  'first_at',
  'last_at',
  'positions',
  'received',
  'late_1m',
  'late_10m',
  'late_1h',
  'late_1d',
  'lateness_seconds',
  'max_lateness_seconds',
];

/** Vehicles of which `ride.vehicle_quarters` has changed, and the times between which it has, as arrays for `unnest`. */
export type ChangedVehicles = readonly [providers: string, devices: string, fromMs: string, toMs: string];

/** Parses {@link ChangedVehicles}: one row per vehicle. */
export const CHANGED_VEHICLES = `(SELECT provider_id, device_id,
    'epoch'::timestamptz + from_ms * interval '1 millisecond' AS lo,
    'epoch'::timestamptz + to_ms * interval '1 millisecond' AS hi
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS changed (provider_id, device_id, from_ms, to_ms))`;

interface RefreshedVehicles {
  /** The vehicles with changes; `undefined` if nothing changed. */
  readonly changed: ChangedVehicles | undefined;
  /** Quarters of which the time of the previous position has changed, in milliseconds since 1970. */
  readonly linkedQuarters: readonly number[];
}

/** Calculates `ride.vehicle_quarters` in ranges of time. */
export async function refreshVehicleQuarters(
  client: pg.ClientBase,
  ranges: readonly TimeRange[],
): Promise<RefreshedVehicles> {
  const { rows } = await client.query<Record<'providers' | 'devices' | 'los' | 'his', string | null>>(
    `WITH fresh AS MATERIALIZED (
       SELECT provider_id, device_id, date_bin('15 minutes', "timestamp", 'epoch') AS quarter,
         min("timestamp") AS first_at, max("timestamp") AS last_at, count(*)::integer AS positions,
         count(received_at)::integer AS received,
         ${LATE_BOUNDS.map((bound) => `count(*) FILTER (WHERE received_at - "timestamp" > interval '${bound}')::integer`).join(', ')},
         coalesce(extract(epoch FROM sum(received_at - "timestamp"))::float8, 0) AS lateness_seconds,
         extract(epoch FROM max(received_at - "timestamp"))::float8 AS max_lateness_seconds
       FROM ride.telemetry WHERE ${isInRanges('"timestamp"', ranges)} GROUP BY 1, 2, 3
     ), deleted AS (
       DELETE FROM ride.vehicle_quarters AS stored
       WHERE ${isInRanges('quarter', ranges)} AND NOT EXISTS (
         SELECT FROM fresh
         WHERE (fresh.provider_id, fresh.device_id, fresh.quarter) = (stored.provider_id, stored.device_id, stored.quarter))
       RETURNING provider_id, device_id, quarter
     ), written AS (
       INSERT INTO ride.vehicle_quarters AS stored (provider_id, device_id, quarter, ${VALUES.join(', ')})
       SELECT * FROM fresh
       ON CONFLICT (provider_id, device_id, quarter) DO UPDATE
         SET ${VALUES.map((column) => `${column} = excluded.${column}`).join(', ')}
         WHERE (${VALUES.map((column) => `stored.${column}`).join(', ')})
           IS DISTINCT FROM (${VALUES.map((column) => `excluded.${column}`).join(', ')})
       RETURNING provider_id, device_id, quarter
     ), changed AS (
       SELECT provider_id, device_id, (extract(epoch FROM min(quarter)) * 1000)::bigint AS lo,
         (extract(epoch FROM max(quarter) + interval '15 minutes') * 1000)::bigint AS hi
       FROM (SELECT * FROM deleted UNION ALL SELECT * FROM written) AS quarters GROUP BY 1, 2
     )
     SELECT array_agg(provider_id)::text AS providers, array_agg(device_id)::text AS devices,
       array_agg(lo)::text AS los, array_agg(hi)::text AS his FROM changed`,
  );
  const { providers, devices, los, his } = rows[0]!;
  if (providers === null) return { changed: undefined, linkedQuarters: [] };
  const changed: ChangedVehicles = [providers, devices!, los!, his!];
  await analyzeIfGrown(client, 'vehicle_quarters');
  return { changed, linkedQuarters: await linkQuarters(client, changed) };
}

/**
 * Sets the time of the previous position in the quarters that have changed, and in the one after them. Returns the quarters, in
 * milliseconds since 1970.
 */
async function linkQuarters(client: pg.ClientBase, changed: ChangedVehicles): Promise<number[]> {
  const { rows } = await client.query<{ quarter_ms: number }>(
    `WITH chains AS (
       SELECT quarters.provider_id, quarters.device_id, quarters.quarter, changed.lo,
         lag(last_at) OVER (PARTITION BY quarters.provider_id, quarters.device_id ORDER BY quarter) AS previous_at
       FROM ${CHANGED_VEHICLES} AS changed
       CROSS JOIN LATERAL (
         SELECT
           (SELECT max(quarter) FROM ride.vehicle_quarters AS earlier
            WHERE earlier.provider_id = changed.provider_id AND earlier.device_id = changed.device_id
              AND earlier.quarter < changed.lo) AS before,
           (SELECT min(quarter) FROM ride.vehicle_quarters AS later
            WHERE later.provider_id = changed.provider_id AND later.device_id = changed.device_id
              AND later.quarter >= changed.hi) AS after
       ) AS neighbours
       CROSS JOIN LATERAL (
         SELECT * FROM ride.vehicle_quarters AS quarters
         WHERE quarters.provider_id = changed.provider_id AND quarters.device_id = changed.device_id
           AND quarters.quarter >= coalesce(before, changed.lo) AND quarters.quarter <= coalesce(after, changed.hi)
       ) AS quarters
     ), linked AS (
       UPDATE ride.vehicle_quarters AS stored SET previous_at = chains.previous_at
       FROM chains
       WHERE stored.provider_id = chains.provider_id AND stored.device_id = chains.device_id
         AND stored.quarter = chains.quarter AND chains.quarter >= chains.lo
         AND stored.previous_at IS DISTINCT FROM chains.previous_at
       RETURNING stored.quarter
     )
     SELECT DISTINCT (extract(epoch FROM quarter) * 1000)::float8 AS quarter_ms FROM linked`,
    [...changed],
  );
  return rows.map(({ quarter_ms }) => quarter_ms);
}
