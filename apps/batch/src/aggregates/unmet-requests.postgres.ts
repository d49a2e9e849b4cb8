import type pg from 'pg';
import { STARTS } from './time-ranges.js';

/**
 * Counts the rides of `ride.ride_outcomes` without a pick-up in `ride.cell_quarters`, by the quarter and cell of their first
 * request.
 *
 * @param quartersMs starts of the quarters, in milliseconds since 1970
 */
export async function refreshUnmetRequests(
  client: pg.ClientBase,
  quartersMs: readonly number[],
): Promise<void> {
  await client.query(
    `WITH unmet AS MATERIALIZED (
       SELECT date_bin('15 minutes', requested_at, 'epoch') AS quarter, provider_id, h3_cell, count(*)::integer AS rides
       FROM ride.ride_outcomes
       WHERE date_bin('15 minutes', requested_at, 'epoch') = ANY (${STARTS})
         AND picked_up_at IS NULL AND reported_start_at IS NULL
       GROUP BY 1, 2, 3
     )
     UPDATE ride.cell_quarters AS stored SET unmet_requests = fresh.unmet_requests
     FROM (
       SELECT quarter, provider_id, h3_cell, CASE WHEN requests > 0 THEN coalesce(rides, 0) ELSE 0 END AS unmet_requests
       FROM ride.cell_quarters LEFT JOIN unmet USING (quarter, provider_id, h3_cell)
       WHERE quarter = ANY (${STARTS}) AND (requests > 0 OR unmet_requests > 0)
     ) AS fresh
     WHERE stored.quarter = fresh.quarter AND stored.provider_id = fresh.provider_id AND stored.h3_cell = fresh.h3_cell
       AND stored.unmet_requests <> fresh.unmet_requests`,
    [quartersMs],
  );
}
