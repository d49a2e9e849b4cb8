import type pg from 'pg';
import { STARTS } from './time-ranges.js';

const VALUES = [
  'available_vehicles',
  'mean_available_vehicles',
  'requests',
  'unmet_requests',
  'pick_ups',
  'drop_offs',
];
const COLUMNS = ['quarter', 'provider_id', 'h3_cell', ...VALUES].join(', ');

/**
 * Calculates `ride.cell_supply` in some quarters, of which `ride.cell_quarters` or its unmet requests may have changed.
 *
 * @param quartersMs starts of the quarters, in milliseconds since 1970
 */
export async function refreshCellSupply(client: pg.ClientBase, quartersMs: readonly number[]): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       SELECT quarter, provider_id, to_hex(h3_cell) AS h3_cell, available_vehicles,
         available_seconds / 900 AS mean_available_vehicles, requests, unmet_requests, pick_ups, drop_offs
       FROM ride.cell_quarters
       WHERE quarter = ANY (${STARTS}) AND (available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0)
     ), deleted AS (
       DELETE FROM ride.cell_supply AS stored
       WHERE quarter = ANY (${STARTS}) AND NOT EXISTS (
         SELECT FROM fresh
         WHERE (fresh.quarter, fresh.provider_id, fresh.h3_cell) = (stored.quarter, stored.provider_id, stored.h3_cell))
     )
     INSERT INTO ride.cell_supply AS stored (${COLUMNS})
     SELECT ${COLUMNS} FROM fresh
     ON CONFLICT (quarter, provider_id, h3_cell) DO UPDATE
       SET ${VALUES.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE (${VALUES.map((column) => `stored.${column}`).join(', ')})
         <> (${VALUES.map((column) => `excluded.${column}`).join(', ')})`,
    [quartersMs],
  );
}
