import type pg from 'pg';
import { STARTS } from './time-ranges.js';

const SUMS = [
  'available_seconds',
  'speed_count',
  'speed_sum',
  'moving_count',
  'moving_speed_sum',
  'requests',
];

/**
 * Calculates `ride.cell_hours` in some hours, of which `ride.cell_quarters` may have changed.
 *
 * @param hoursMs starts of the hours, in milliseconds since 1970
 */
export async function refreshCellHours(client: pg.ClientBase, hoursMs: readonly number[]): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       SELECT date_bin('1 hour', quarter, 'epoch') AS hour, provider_id, h3_cell,
         ${SUMS.map((column) => `sum(${column} ORDER BY quarter) AS ${column}`).join(', ')}
       FROM ride.cell_quarters WHERE date_bin('1 hour', quarter, 'epoch') = ANY (${STARTS}) GROUP BY 1, 2, 3
     ), deleted AS (
       DELETE FROM ride.cell_hours AS stored
       WHERE hour = ANY (${STARTS}) AND NOT EXISTS (
         SELECT FROM fresh WHERE (fresh.hour, fresh.provider_id, fresh.h3_cell) = (stored.hour, stored.provider_id, stored.h3_cell))
     )
     INSERT INTO ride.cell_hours AS stored (hour, provider_id, h3_cell, ${SUMS.join(', ')})
     SELECT hour, provider_id, h3_cell, ${SUMS.join(', ')} FROM fresh
     ON CONFLICT (hour, provider_id, h3_cell) DO UPDATE SET ${SUMS.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE (${SUMS.map((column) => `stored.${column}`).join(', ')}) <> (${SUMS.map((column) => `excluded.${column}`).join(', ')})`,
    [hoursMs],
  );
}
