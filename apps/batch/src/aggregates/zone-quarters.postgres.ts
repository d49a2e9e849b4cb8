import type pg from 'pg';
import { STARTS } from './time-ranges.js';

const VALUES = ['available_milliseconds', 'requests', 'unmet_requests', 'pick_ups', 'drop_offs'];
const COLUMNS = ['quarter', 'provider_id', 'zone_id', ...VALUES].join(', ');
const REQUESTED_QUARTER = `date_bin('15 minutes', requested_at, 'epoch')`;

/**
 * Calculates `ride.zone_quarters` in some quarters, of which `ride.cell_quarters` or the unmet requests of `ride.ride_outcomes`
 * may have changed.
 *
 * @param quartersMs starts of the quarters, in milliseconds since 1970
 */
export async function refreshZoneQuarters(
  client: pg.ClientBase,
  quartersMs: readonly number[],
): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       ${sumsByZone((quarter) => `${quarter} = ANY (${STARTS})`)}
     ), deleted AS (
       DELETE FROM ride.zone_quarters AS stored
       -- A comparison of equal keys can be hashed, and that of keys with NULL cannot.
       WHERE quarter = ANY (${STARTS}) AND NOT EXISTS (
         SELECT FROM fresh
         WHERE (fresh.quarter, fresh.provider_id, coalesce(fresh.zone_id, ''))
           = (stored.quarter, stored.provider_id, coalesce(stored.zone_id, '')))
     )
     INSERT INTO ride.zone_quarters AS stored (${COLUMNS})
     SELECT ${COLUMNS} FROM fresh
     ON CONFLICT (quarter, provider_id, zone_id) DO UPDATE
       SET ${VALUES.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE (${VALUES.map((column) => `stored.${column}`).join(', ')})
         <> (${VALUES.map((column) => `excluded.${column}`).join(', ')})`,
    [quartersMs],
  );
}

/** Calculates all of `ride.zone_quarters` with the current zones, in the transaction that has changed them. */
export async function replaceZoneQuarters(client: pg.ClientBase): Promise<void> {
  await client.query('DELETE FROM ride.zone_quarters');
  await client.query(
    `INSERT INTO ride.zone_quarters (${COLUMNS}) ${sumsByZone((quarter) => `${quarter} IS NOT NULL`)} ORDER BY 1, 2, 3`,
  );
}

/** A query of {@link COLUMNS} in the quarters that meet a condition. */
function sumsByZone(isIncluded: (quarter: string) => string): string {
  return `SELECT quarter, provider_id, zone_id, sum(round(available_seconds * 1000)::bigint)::bigint AS available_milliseconds,
      sum(requests)::integer AS requests, sum(unmet_requests)::integer AS unmet_requests,
      sum(pick_ups)::integer AS pick_ups, sum(drop_offs)::integer AS drop_offs
    FROM (
      SELECT quarter, provider_id, h3_cell, available_seconds, requests, 0 AS unmet_requests, pick_ups, drop_offs
      FROM ride.cell_quarters
      WHERE ${isIncluded('quarter')} AND (available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0)
      UNION ALL
      SELECT ${REQUESTED_QUARTER}, provider_id, h3_cell, 0, 0, 1, 0, 0
      FROM ride.ride_outcomes
      WHERE ${isIncluded(REQUESTED_QUARTER)} AND picked_up_at IS NULL AND reported_start_at IS NULL
    ) AS parts
    LEFT JOIN ride.zone_cells USING (h3_cell)
    GROUP BY quarter, provider_id, zone_id`;
}
