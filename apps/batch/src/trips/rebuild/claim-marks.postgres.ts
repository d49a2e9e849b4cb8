import type pg from 'pg';
import { msFromTime } from '../../database/milliseconds.js';
import { OPEN_FOR_MS } from '../course/trip-course.js';

/** Marks that one transaction processes: of vehicles, and of trips. */
const MAX_VEHICLE_MARKS = 5_000;
const MAX_TRIP_MARKS = 1_000;
/** Open trips that one transaction marks because their last event is old. */
const MAX_SILENT_TRIPS = 5_000;

/** A trip that has to be rebuilt, and where its events are. */
export interface ClaimedTrip {
  readonly providerId: string;
  readonly tripId: string;
  /** Vehicles that may have events of the trip. */
  readonly deviceIds: readonly string[];
  /** Its events are between these times, both included, in milliseconds. */
  readonly from: number;
  readonly to: number;
  /** What its row was rebuilt from; `null` without a row. */
  readonly known: {
    readonly events: number;
    readonly points: number;
    readonly telemetryFrom: number | null;
    readonly telemetryTo: number | null;
  } | null;
}

/** The last marks that exist: later ones are left to the next rebuild. */
export interface MarkLimits {
  readonly vehicles: string;
  readonly trips: string;
}

export async function readMarkLimits(client: Pick<pg.Pool, 'query'>): Promise<MarkLimits> {
  const { rows } = await client.query<MarkLimits>(
    `SELECT coalesce((SELECT max(mark_id) FROM ride.vehicle_marks), 0) AS vehicles,
       coalesce((SELECT max(mark_id) FROM ride.trip_marks), 0) AS trips`,
  );
  return rows[0]!;
}

/**
 * Replaces the oldest marks of vehicles by marks of their trips, and returns how many it has replaced. A position belongs to
 * the trips of its vehicle that have ended and whose time includes it. An event of a vehicle may show that a trip that was in
 * progress before it has ended. Trips that have no row yet are marked by their own events.
 */
export async function resolveVehicleMarks(client: pg.ClientBase, limits: MarkLimits): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `WITH claimed AS (
       DELETE FROM ride.vehicle_marks WHERE mark_id = ANY (ARRAY(
         SELECT mark_id FROM ride.vehicle_marks WHERE mark_id <= $1 ORDER BY mark_id LIMIT ${MAX_VEHICLE_MARKS}))
       RETURNING provider_id, device_id, source, from_time, to_time
     ), resolved AS (
       INSERT INTO ride.trip_marks (provider_id, trip_id)
       SELECT trips.provider_id, trips.trip_id
       FROM claimed JOIN ride.rebuilt_trips AS trips
         ON trips.device_id = claimed.device_id AND trips.provider_id = claimed.provider_id
         AND trips.telemetry_to >= claimed.from_time AND trips.telemetry_from <= claimed.to_time
       WHERE claimed.source = 'telemetry'
       UNION
       SELECT trips.provider_id, trips.trip_id
       FROM claimed JOIN ride.rebuilt_trips AS trips
         ON trips.device_id = claimed.device_id AND trips.provider_id = claimed.provider_id
         AND trips.last_event_at <= claimed.to_time
       WHERE claimed.source = 'vehicle_events' AND trips.state = 'in_progress'
     )
     SELECT count(*)::integer AS count FROM claimed`,
    [limits.vehicles],
  );
  return rows[0]!.count;
}

/** Marks trips that are in progress and whose last event is old, and returns their number. */
export async function markSilentTrips(client: pg.ClientBase, nowMs: number): Promise<number> {
  const { rowCount } = await client.query(
    `INSERT INTO ride.trip_marks (provider_id, trip_id)
     SELECT provider_id, trip_id FROM ride.rebuilt_trips
     WHERE state = 'in_progress' AND last_event_at < $1 LIMIT ${MAX_SILENT_TRIPS}`,
    [new Date(nowMs - OPEN_FOR_MS)],
  );
  return rowCount ?? 0;
}

/** Deletes all marks of the trips with the oldest marks, and returns these trips; `null` if there are no marks. */
export async function claimTrips(client: pg.ClientBase, limits: MarkLimits): Promise<ClaimedTrip[] | null> {
  const { rows } = await client.query<{
    providerId: string;
    tripId: string;
    deviceIds: string[];
    from: number | null;
    to: number | null;
    events: number | null;
    points: number;
    telemetryFrom: number | null;
    telemetryTo: number | null;
  }>(
    // The events of a trip without a row may have been loaded before trips were rebuilt: they are within a day.
    `WITH oldest AS (
       SELECT DISTINCT provider_id, trip_id FROM (
         SELECT provider_id, trip_id FROM ride.trip_marks WHERE mark_id <= $1
         ORDER BY mark_id LIMIT ${MAX_TRIP_MARKS}) AS marks
     ), claimed AS (
       DELETE FROM ride.trip_marks AS marks USING oldest
       WHERE marks.trip_id = oldest.trip_id AND marks.provider_id = oldest.provider_id
       RETURNING marks.provider_id, marks.trip_id, marks.device_id, marks.from_time, marks.to_time
     ), marked AS (
       SELECT provider_id, trip_id, min(from_time) AS from_time, max(to_time) AS to_time,
         coalesce(array_agg(DISTINCT device_id) FILTER (WHERE device_id IS NOT NULL), '{}') AS device_ids
       FROM claimed GROUP BY provider_id, trip_id
     )
     SELECT marked.provider_id AS "providerId", marked.trip_id AS "tripId",
       ARRAY(SELECT unnest(marked.device_ids) UNION SELECT unnest(known.device_ids)) AS "deviceIds",
       ${msFromTime(`CASE WHEN known.trip_id IS NULL THEN marked.from_time - interval '1 day'
         ELSE least(marked.from_time, known.first_event_at) END`)} AS "from",
       ${msFromTime(`CASE WHEN known.trip_id IS NULL THEN marked.to_time + interval '1 day'
         ELSE greatest(marked.to_time, known.last_event_at) END`)} AS "to",
       known.events, coalesce(known.points, 0) AS points,
       ${msFromTime('known.telemetry_from')} AS "telemetryFrom", ${msFromTime('known.telemetry_to')} AS "telemetryTo"
     FROM marked LEFT JOIN ride.rebuilt_trips AS known USING (provider_id, trip_id)`,
    [limits.trips],
  );
  if (rows.length === 0) return null;
  return rows.flatMap(({ from, to, events, points, telemetryFrom, telemetryTo, ...trip }) => {
    // The row was deleted after the mark was made.
    if (from === null || to === null) return [];
    const known = events === null ? null : { events, points, telemetryFrom, telemetryTo };
    return [{ ...trip, from, to, known }];
  });
}
