import type pg from 'pg';
import { isInDays, isInRanges, type TimeRange } from './time-ranges.js';

const KEY = ['day', 'provider_id', 'device_id', 'vehicle_state'];

/** Calculates `ride.state_days` in ranges of whole days, of which `ride.state_periods` may have changed. */
export async function refreshStateDays(client: pg.ClientBase, days: readonly TimeRange[]): Promise<void> {
  await client.query(
    `WITH fresh AS MATERIALIZED (
       SELECT ${KEY.join(', ')}, sum(date_part('epoch', ends_at - starts_at) * 1000)::bigint AS milliseconds
       FROM ride.state_periods WHERE ${isInRanges('hour', days)} AND starts_at < ends_at GROUP BY ${KEY.join(', ')}
     ), deleted AS (
       DELETE FROM ride.state_days AS stored
       WHERE ${isInDays('day', days)} AND NOT EXISTS (
         SELECT FROM fresh WHERE (${KEY.map((column) => `fresh.${column}`).join(', ')})
           = (${KEY.map((column) => `stored.${column}`).join(', ')}))
     )
     INSERT INTO ride.state_days AS stored (${KEY.join(', ')}, milliseconds)
     SELECT ${KEY.join(', ')}, milliseconds FROM fresh
     ON CONFLICT (${KEY.join(', ')}) DO UPDATE SET milliseconds = excluded.milliseconds
       WHERE stored.milliseconds <> excluded.milliseconds`,
  );
}
