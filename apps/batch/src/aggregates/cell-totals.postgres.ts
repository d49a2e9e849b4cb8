import type pg from 'pg';
import { STARTS } from './time-ranges.js';

/**
 * Calculates `ride.cell_totals` in some quarters, of which `ride.cell_quarters` may have changed.
 *
 * @param quartersMs starts of the quarters, in milliseconds since 1970
 */
export async function refreshCellTotals(client: pg.ClientBase, quartersMs: readonly number[]): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       SELECT quarter, h3_cell, sum(available_vehicles)::integer AS available_vehicles, sum(requests)::integer AS requests
       FROM ride.cell_quarters
       WHERE quarter = ANY (${STARTS}) AND (available_vehicles > 0 OR requests > 0) GROUP BY 1, 2
     ), deleted AS (
       DELETE FROM ride.cell_totals AS stored
       WHERE quarter = ANY (${STARTS}) AND NOT EXISTS (
         SELECT FROM fresh WHERE (fresh.quarter, fresh.h3_cell) = (stored.quarter, stored.h3_cell))
     )
     INSERT INTO ride.cell_totals AS stored (quarter, h3_cell, available_vehicles, requests)
     SELECT quarter, h3_cell, available_vehicles, requests FROM fresh
     ON CONFLICT (quarter, h3_cell) DO UPDATE
       SET available_vehicles = excluded.available_vehicles, requests = excluded.requests
       WHERE (stored.available_vehicles, stored.requests) <> (excluded.available_vehicles, excluded.requests)`,
    [quartersMs],
  );
}
