import type pg from 'pg';
import { STARTS } from './time-ranges.js';

/**
 * Calculates `ride.state_hours` in some hours, of which `ride.state_periods` has changed.
 *
 * @param hoursMs starts of the hours, in milliseconds since 1970
 */
export async function refreshStateHours(client: pg.ClientBase, hoursMs: readonly number[]): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       SELECT hour, provider_id, vehicle_state, sum(extract(epoch FROM ends_at - starts_at) * 1000)::bigint AS milliseconds
       FROM ride.state_periods WHERE hour = ANY (${STARTS}) AND starts_at < ends_at GROUP BY 1, 2, 3
     ), deleted AS (
       DELETE FROM ride.state_hours AS stored
       WHERE hour = ANY (${STARTS}) AND NOT EXISTS (
         SELECT FROM fresh
         WHERE (fresh.hour, fresh.provider_id, fresh.vehicle_state) = (stored.hour, stored.provider_id, stored.vehicle_state))
     )
     INSERT INTO ride.state_hours AS stored (hour, provider_id, vehicle_state, milliseconds)
     SELECT * FROM fresh
     ON CONFLICT (hour, provider_id, vehicle_state) DO UPDATE SET milliseconds = excluded.milliseconds
       WHERE stored.milliseconds <> excluded.milliseconds`,
    [hoursMs],
  );
}
