/*
 * What reports are read from: the aggregates of schema ride, and views over them. Parameters of all: $1 and $2 the period,
 * whose ends are full hours, $3 a provider or NULL, $4 the cells of an area or NULL. Conditions on times are those of indexes.
 */

export const OF_PROVIDER = '($3::uuid IS NULL OR provider_id = $3)';
const OF_AREA = '($4::text[] IS NULL OR h3_cell = ANY ($4))';

/** A condition on a time, or on the start of its hour or quarter: in the period. */
export function within(column: string): string {
  return `${column} >= $1::timestamptz AND ${column} < $2::timestamptz`;
}

/** Rides that were requested in the period. */
export const REQUESTED = `FROM analysis.rides WHERE ${within('requested_hour')} AND ${OF_PROVIDER} AND ${OF_AREA}`;

/**
 * Rides with a pick-up in the period. No index has the time of the pick-up: rides that were requested at most a week before it
 * are read by the time of the request, and all street hails.
 */
export const PICKED_UP = `FROM analysis.rides
  WHERE ${within('picked_up_at')} AND ${OF_PROVIDER} AND ${OF_AREA}
    AND (requested_hour IS NULL
      OR (requested_hour >= $1::timestamptz - interval '7 days' AND requested_hour < $2::timestamptz + interval '1 day'))`;

/** Supply and positions per cell and quarter of an hour. */
export const CELL_QUARTERS = `FROM ride.cell_quarters
  WHERE ${within('quarter')} AND ${OF_PROVIDER} AND ($4::text[] IS NULL OR to_hex(h3_cell) = ANY ($4))`;

/** Reported trips that began in the period and have a cost. */
export const FARES = `FROM ride.ride_outcomes
  WHERE ${within("date_bin('1 hour', reported_start_at, 'epoch')")} AND actual_cost IS NOT NULL AND currency IS NOT NULL
    AND ${OF_PROVIDER}`;

/** A silence before the first position of a quarter: the definition of analysis.data_quality. */
const IS_SILENCE = `first_at - previous_at > interval '15 minutes' AND first_at - previous_at <= interval '24 hours'`;

/** Rows per provider in each table, repeated records, late positions, and silences between positions of a vehicle. */
export const SENT = `(
  SELECT provider_id, sum(positions) AS positions, 0 AS vehicle_events, 0 AS rider_events, 0 AS trips,
    0 AS duplicates, sum(late_10m) AS late, sum(received) AS received, count(*) FILTER (WHERE ${IS_SILENCE}) AS silences,
    coalesce(extract(epoch FROM sum(first_at - previous_at) FILTER (WHERE ${IS_SILENCE})), 0) AS silence_seconds
  FROM ride.vehicle_quarters WHERE ${within('quarter')} AND ${OF_PROVIDER} GROUP BY provider_id
  UNION ALL
  SELECT provider_id, 0, sum(vehicle_events), sum(rider_events), sum(trips), 0, 0, 0, 0, 0
  FROM ride.provider_quarters WHERE ${within('quarter')} AND ${OF_PROVIDER} GROUP BY provider_id
  UNION ALL
  SELECT provider_id, 0, 0, 0, 0, sum(records), 0, 0, 0, 0
  FROM ride.duplicates WHERE ${within('hour')} AND ${OF_PROVIDER} GROUP BY provider_id
) AS sent`;
