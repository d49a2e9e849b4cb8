import type pg from 'pg';
import { analyzeIfGrown } from './analyze-grown.postgres.js';
import { CHANGED_VEHICLES, type ChangedVehicles } from './vehicle-quarters.postgres.js';
import { isInRanges, type TimeRange } from './time-ranges.js';

/** How long a state counts after the last event or position of a vehicle, if nothing confirms it. */
const SILENCE_CUTOFF = `interval '2 hours'`;
/** The next event of a vehicle confirms its state only if the vehicle was not silent for longer than this before it. */
const CONFIRMED_SILENCE = `interval '24 hours'`;

const NO_VEHICLES: ChangedVehicles = ['{}', '{}', '{}', '{}'];

/**
 * Calculates the state periods that events in ranges of time, or changes of `ride.vehicle_quarters`, may have changed, and which
 * of their events cannot follow the event before them. Marks the quarters outside the ranges whose available vehicles have
 * changed. Returns the hours of the periods that have changed, in milliseconds since 1970.
 *
 * A stored period also tells that its event exists: the event before and the event after a change are looked up in
 * `ride.state_periods`. Those that are not calculated yet are in quarters that are still marked.
 */
export async function refreshStatePeriods(
  client: pg.ClientBase,
  ranges: readonly TimeRange[],
  changed: ChangedVehicles | undefined,
): Promise<number[]> {
  await analyzeIfGrown(client, 'state_periods');
  const { rows } = await client.query<{ hour_ms: number }>(
    `${calculatedEnds(ranges)}, ${PERIODS}, removed_pieces AS (
       DELETE FROM ride.state_periods AS stored USING removed
       WHERE ${sameEvent('stored', 'removed')}
       RETURNING hour
     ), surplus AS (
       DELETE FROM ride.state_periods AS stored USING periods
       WHERE ${sameEvent('stored', 'periods')} AND stored.hour >= periods.ends_at
         AND stored.hour > first_hour
       RETURNING hour
     ), written AS (
       INSERT INTO ride.state_periods AS stored
         (provider_id, device_id, event_at, event_id, hour, starts_at, ends_at, vehicle_state, period_ends_at)
       SELECT provider_id, device_id, event_at, event_id, hour, greatest(event_at, hour),
         least(ends_at, hour + interval '1 hour'), vehicle_state,
         CASE WHEN hour = first_hour AND ends_at > hour + interval '1 hour' THEN ends_at END
       FROM periods
       CROSS JOIN LATERAL generate_series(
         first_changed_hour, ends_at, interval '1 hour') AS hour
       WHERE hour < ends_at OR hour = first_hour
       ON CONFLICT (provider_id, device_id, event_at, event_id, hour) DO UPDATE
         SET ends_at = excluded.ends_at, period_ends_at = excluded.period_ends_at
         WHERE (stored.ends_at, stored.period_ends_at) IS DISTINCT FROM (excluded.ends_at, excluded.period_ends_at)
       RETURNING hour
     ), continued AS (
       UPDATE ride.state_periods AS stored SET period_ends_at = periods.ends_at FROM periods
       WHERE ${sameEvent('stored', 'periods')} AND stored.hour = first_hour AND first_changed_hour > first_hour
         AND stored.period_ends_at IS DISTINCT FROM periods.ends_at
     ), availability AS (
       SELECT provider_id, device_id, least(coalesce(old_end, event_at), ends_at) AS lo,
         greatest(coalesce(old_end, event_at), ends_at) AS hi
       FROM periods WHERE vehicle_state = 'available' AND ends_at IS DISTINCT FROM old_end
       UNION ALL
       SELECT provider_id, device_id, event_at, old_end FROM removed WHERE vehicle_state = 'available'
     ), marked AS (
       INSERT INTO ride.stale_quarters
       SELECT DISTINCT quarter FROM availability JOIN ride.vehicle_quarters AS positions USING (provider_id, device_id)
       WHERE positions.quarter > lo - interval '15 minutes' AND positions.quarter <= hi
         AND NOT ${isInRanges('positions.quarter', ranges)}
     ), ${WRITTEN_VIOLATIONS}
     SELECT (extract(epoch FROM hour) * 1000)::float8 AS hour_ms
     FROM (SELECT * FROM removed_pieces UNION SELECT * FROM surplus UNION SELECT * FROM written) AS hours`,
    [...(changed ?? NO_VEHICLES)],
  );
  return rows.map(({ hour_ms }) => hour_ms);
}

/** Queries up to `ends`, the events whose periods may have changed with their ends, and `removed`, events without a row. */
function calculatedEnds(ranges: readonly TimeRange[]): string {
  return `WITH raw AS MATERIALIZED (
       SELECT provider_id, device_id, "timestamp" AS event_at, event_id, vehicle_state, event_types
       FROM ride.vehicle_events WHERE ${isInRanges('"timestamp"', ranges)}
     ), known AS MATERIALIZED (
       SELECT provider_id, device_id, event_at, event_id, vehicle_state, max(ends_at) AS old_end,
         coalesce(max(period_ends_at), min(ends_at)) = max(ends_at) AS has_end
       FROM ride.state_periods WHERE ${isInRanges('event_at', ranges)} GROUP BY 1, 2, 3, 4, 5
     ), removed AS MATERIALIZED (
       SELECT * FROM known WHERE NOT EXISTS (SELECT FROM raw WHERE ${sameEvent('raw', 'known')})
     ), changed AS (
       SELECT provider_id, device_id, min(lo) AS lo, max(hi) AS hi FROM (
         SELECT provider_id, device_id, event_at AS lo, event_at AS hi FROM raw
         WHERE NOT EXISTS (SELECT FROM known WHERE ${sameEvent('known', 'raw')})
         UNION ALL SELECT provider_id, device_id, event_at, event_at FROM removed
         -- Processes of a release without period_ends_at do not write it.
         UNION ALL SELECT provider_id, device_id, event_at, event_at FROM known WHERE NOT has_end
         UNION ALL SELECT * FROM ${CHANGED_VEHICLES} AS vehicles
       ) AS changes GROUP BY 1, 2
     ), bounds AS MATERIALIZED (
       SELECT *,
         coalesce((SELECT max(event_at) FROM ride.state_periods AS earlier
           WHERE earlier.provider_id = changed.provider_id AND earlier.device_id = changed.device_id
             AND earlier.event_at < changed.lo), lo) AS first_at,
         coalesce((SELECT min(event_at) FROM ride.state_periods AS later
           WHERE later.provider_id = changed.provider_id AND later.device_id = changed.device_id
             AND later.event_at > changed.hi), 'infinity') AS after_at
       FROM changed
     ), events AS (
       SELECT stored.provider_id, stored.device_id, stored.event_at, stored.event_id, stored.vehicle_state,
         NULL::text[] AS event_types, lo, after_at
       FROM bounds CROSS JOIN LATERAL (
         SELECT * FROM ride.state_periods AS stored
         WHERE stored.provider_id = bounds.provider_id AND stored.device_id = bounds.device_id
           AND stored.event_at >= bounds.first_at AND stored.event_at <= bounds.after_at
           AND stored.starts_at = stored.event_at
           AND NOT ${isInRanges('stored.event_at', ranges)}
       ) AS stored
       UNION ALL
       SELECT raw.provider_id, raw.device_id, event_at, event_id, vehicle_state, event_types, lo, after_at
       FROM raw JOIN bounds USING (provider_id, device_id)
       WHERE event_at >= first_at AND event_at <= after_at
     ), timeline AS (
       SELECT *, lead(event_at) OVER in_order AS next_at, lag(event_id) OVER in_order AS previous_event_id,
         lag(event_at) OVER in_order AS previous_at, lag(vehicle_state) OVER in_order AS previous_state
       FROM events
       WINDOW in_order AS (PARTITION BY provider_id, device_id ORDER BY event_at, event_id)
     ), ends AS (
       SELECT timeline.provider_id, timeline.device_id, event_at, event_id, vehicle_state, old_end,
         CASE
           WHEN next_at - greatest(event_at, signal_at) <= ${CONFIRMED_SILENCE} THEN next_at
           ELSE greatest(event_at, signal_at) + ${SILENCE_CUTOFF}
         END AS ends_at
       FROM timeline
       LEFT JOIN LATERAL (
         -- If the quarter of the last position also has the next event, any position in it shows that there was no silence.
         SELECT CASE WHEN last_at < coalesce(next_at, 'infinity') THEN last_at ELSE first_at END AS signal_at
         FROM ride.vehicle_quarters AS positions
         WHERE positions.provider_id = timeline.provider_id AND positions.device_id = timeline.device_id
           AND quarter > event_at - interval '15 minutes' AND quarter <= coalesce(next_at, 'infinity')
           AND first_at < coalesce(next_at, 'infinity')
         ORDER BY quarter DESC LIMIT 1
       ) AS signals ON next_at IS NULL OR next_at - event_at > ${CONFIRMED_SILENCE}
       LEFT JOIN LATERAL (
         SELECT ends_at AS old_end FROM ride.state_periods AS stored
         WHERE ${sameEvent('stored', 'timeline')} ORDER BY hour DESC LIMIT 1
       ) AS stored ON true
       WHERE event_at < after_at
     )`;
}

/** Query of the events whose periods may have changed. Hours of a period before the first changed one stay as they are. */
const PERIODS = `periods AS MATERIALIZED (
       SELECT *, date_bin('1 hour', event_at, 'epoch') AS first_hour,
         date_bin('1 hour', least(coalesce(old_end, event_at), ends_at), 'epoch') AS first_changed_hour
       FROM ends
     )`;

/**
 * Queries that write the events whose types do not lead from the state before them to their state. Only events whose
 * event before them may have changed are compared: from the first change to the first event after the last one.
 */
const WRITTEN_VIOLATIONS = `compared AS MATERIALIZED (
       SELECT provider_id, device_id, event_at, event_id, previous_event_id, previous_at, previous_state,
         previous_event_id IS NOT NULL AND types IS NOT NULL AND CASE cardinality(types)
           -- Most events have one type: their transition is compared without recursion.
           WHEN 1 THEN (previous_state, vehicle_state, types[1])
             NOT IN (SELECT from_state, to_state, event_type FROM analysis.vehicle_transitions)
           ELSE NOT EXISTS (
             WITH RECURSIVE reached (state, steps) AS (
               SELECT previous_state, 0
               UNION
               SELECT transitions.to_state, reached.steps + 1
               FROM reached JOIN analysis.vehicle_transitions AS transitions
                 ON transitions.from_state = reached.state AND transitions.event_type = types[reached.steps + 1]
             )
             SELECT FROM reached WHERE steps = cardinality(types) AND state = vehicle_state
           )
         END AS is_violation
       FROM timeline CROSS JOIN LATERAL (
         SELECT coalesce(timeline.event_types, (
           SELECT event_types FROM ride.vehicle_events AS event
           WHERE event.event_id = timeline.event_id AND event.provider_id = timeline.provider_id
             AND event."timestamp" = timeline.event_at)) AS types
       ) AS event
       WHERE event_at >= lo
     ), no_violations AS (
       DELETE FROM ride.state_violations AS stored USING (
         SELECT provider_id, device_id, event_at, event_id FROM compared WHERE NOT is_violation
         UNION ALL SELECT provider_id, device_id, event_at, event_id FROM removed
       ) AS others
       WHERE ${sameEvent('stored', 'others')}
     ), violations AS (
       INSERT INTO ride.state_violations AS stored
         (provider_id, device_id, event_at, event_id, previous_event_id, previous_at, previous_state)
       SELECT provider_id, device_id, event_at, event_id, previous_event_id, previous_at, previous_state
       FROM compared WHERE is_violation
       ON CONFLICT (provider_id, device_id, event_at, event_id) DO UPDATE
         SET previous_event_id = excluded.previous_event_id, previous_at = excluded.previous_at,
           previous_state = excluded.previous_state
         WHERE (stored.previous_event_id, stored.previous_at, stored.previous_state)
           IS DISTINCT FROM (excluded.previous_event_id, excluded.previous_at, excluded.previous_state)
     )`;

function sameEvent(one: string, other: string): string {
  const columns = ['provider_id', 'device_id', 'event_at', 'event_id'];
  return columns.map((column) => `${one}.${column} = ${other}.${column}`).join(' AND ');
}
