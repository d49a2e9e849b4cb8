import type pg from 'pg';
import { STARTS } from './time-ranges.js';

/** Columns of rides by zone and hour, with their expressions over `analysis.rides`. */
const VALUES: readonly (readonly [column: string, expression: string])[] = [
  ['requests', 'count(*)'],
  ['picked_up', 'count(picked_up_at)'],
  ['median_wait_seconds', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_seconds)'],
  ['p90_wait_seconds', 'percentile_cont(0.9) WITHIN GROUP (ORDER BY wait_seconds)'],
  ...['completed', 'on_trip', 'open', 'cancelled'].map(
    (outcome) => [outcome, `count(*) FILTER (WHERE outcome = '${outcome}')`] as const,
  ),
  ...['rider', 'driver', 'provider'].map(
    (who) =>
      [
        `cancelled_by_${who}`,
        `count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = '${who}')`,
      ] as const,
  ),
  ['median_cancelled_after_seconds', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY cancelled_after_seconds)'],
];
const NAMES = VALUES.map(([column]) => column);
const COLUMNS = ['hour', 'provider_id', 'zone_id', ...NAMES].join(', ');

/**
 * Calculates `ride.zone_hours` in some hours, in which rides of `ride.ride_outcomes` were requested that may have changed.
 *
 * @param hoursMs starts of the hours, in milliseconds since 1970
 */
export async function refreshZoneHours(client: pg.ClientBase, hoursMs: readonly number[]): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       ${ridesByZone(`requested_hour = ANY (${STARTS})`)}
     ), deleted AS (
       DELETE FROM ride.zone_hours AS stored
       WHERE hour = ANY (${STARTS}) AND NOT EXISTS (
         SELECT FROM fresh
         WHERE (fresh.hour, fresh.provider_id, coalesce(fresh.zone_id, ''))
           = (stored.hour, stored.provider_id, coalesce(stored.zone_id, '')))
     )
     INSERT INTO ride.zone_hours AS stored (${COLUMNS})
     SELECT ${COLUMNS} FROM fresh
     ON CONFLICT (hour, provider_id, zone_id) DO UPDATE
       SET ${NAMES.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE (${NAMES.map((column) => `stored.${column}`).join(', ')})
         IS DISTINCT FROM (${NAMES.map((column) => `excluded.${column}`).join(', ')})`,
    [hoursMs],
  );
}

/** Calculates all of `ride.zone_hours` with the current zones, in the transaction that has changed them. */
export async function replaceZoneHours(client: pg.ClientBase): Promise<void> {
  await client.query('DELETE FROM ride.zone_hours');
  await client.query(
    `INSERT INTO ride.zone_hours (${COLUMNS}) ${ridesByZone('requested_hour IS NOT NULL')} ORDER BY 1, 2, 3`,
  );
}

function ridesByZone(condition: string): string {
  return `SELECT requested_hour AS hour, provider_id, zone_id,
      ${VALUES.map(([column, expression]) => `${expression} AS ${column}`).join(', ')}
    FROM analysis.rides LEFT JOIN ride.zone_cells ON to_hex(zone_cells.h3_cell) = rides.h3_cell
    WHERE ${condition} GROUP BY requested_hour, provider_id, zone_id`;
}
