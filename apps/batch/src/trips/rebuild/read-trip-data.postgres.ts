import type { RiderEventType, VehicleEventType } from '@hailstream/events';
import type pg from 'pg';
import { msFromTime, timeFromMs } from '../../database/milliseconds.js';
import type { Fix } from '../path/fix.js';
import type { TelemetryPeriod } from '../course/rebuilt-trip.js';
import type { TripCourse } from '../course/trip-course.js';
import type { TripEvents, TripRiderEvent, TripVehicleEvent } from '../course/trip-events.js';
import type { ClaimedTrip } from './claim-marks.postgres.js';

/** Something to look up for a trip, by the index of the trip. */
interface Lookup {
  readonly index: number;
  readonly providerId: string;
}

/** Returns the events of trips, in the same order. */
export async function readEvents(
  client: pg.ClientBase,
  trips: readonly ClaimedTrip[],
): Promise<TripEvents[]> {
  const events = trips.map(() => ({ vehicle: [] as TripVehicleEvent[], rider: [] as TripRiderEvent[] }));
  for (const { index, ...event } of await readVehicleEvents(client, trips))
    events[index]!.vehicle.push(event);
  for (const { index, ...event } of await readRiderEvents(client, trips)) events[index]!.rider.push(event);
  return events;
}

async function readVehicleEvents(
  client: pg.ClientBase,
  trips: readonly ClaimedTrip[],
): Promise<(TripVehicleEvent & { readonly index: number })[]> {
  const lookups = trips.flatMap(({ deviceIds, ...trip }, index) =>
    deviceIds.map((deviceId) => ({ ...trip, index, deviceId })),
  );
  const { rows } = await client.query<
    FixRow & { index: number; id: string; deviceId: string; types: VehicleEventType[] }
  >(
    `SELECT keys.index, events.event_id AS id, events.device_id AS "deviceId", events.event_types AS types,
       ${fixColumns('events')}
     FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])
         AS keys (index, provider_id, device_id, trip_id, from_ms, to_ms)
       JOIN ride.vehicle_events AS events ON events.device_id = keys.device_id
         AND events."timestamp" >= ${timeFromMs('keys.from_ms')} AND events."timestamp" <= ${timeFromMs('keys.to_ms')}
         AND events.provider_id = keys.provider_id AND keys.trip_id = ANY (events.trip_ids)`,
    [
      lookups.map(({ index }) => index),
      lookups.map(({ providerId }) => providerId),
      lookups.map(({ deviceId }) => deviceId),
      lookups.map(({ tripId }) => tripId),
      lookups.map(({ from }) => from),
      lookups.map(({ to }) => to),
    ],
  );
  return rows.map(({ index, id, deviceId, types, ...fix }) => ({ index, id, deviceId, types, fix }));
}

async function readRiderEvents(
  client: pg.ClientBase,
  trips: readonly ClaimedTrip[],
): Promise<(TripRiderEvent & { readonly index: number })[]> {
  const { rows } = await client.query<
    TripRiderEvent & { readonly index: number; readonly type: RiderEventType }
  >(
    `SELECT keys.index, events.event_id AS id, events.rider_id AS "riderId", events.event_type AS type,
       ${msFromTime('events."timestamp"')} AS at
     FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[])
         AS keys (index, provider_id, trip_id, from_ms, to_ms)
       JOIN ride.rider_events AS events ON events.trip_id = keys.trip_id AND events.provider_id = keys.provider_id
         AND events."timestamp" >= ${timeFromMs('keys.from_ms')} AND events."timestamp" <= ${timeFromMs('keys.to_ms')}`,
    [
      trips.map((_, index) => index),
      trips.map(({ providerId }) => providerId),
      trips.map(({ tripId }) => tripId),
      trips.map(({ from }) => from),
      trips.map(({ to }) => to),
    ],
  );
  return rows;
}

/**
 * Returns the indexes of those open trips whose vehicle has done something else since: it is free, out of service, or on
 * another trip.
 */
export async function readSuperseded(
  client: pg.ClientBase,
  open: readonly (Lookup & { readonly tripId: string; readonly course: TripCourse })[],
): Promise<ReadonlySet<number>> {
  const ofVehicles = open.flatMap(({ index, providerId, tripId, course: { lastOfVehicle } }) =>
    lastOfVehicle === null ? [] : [{ index, providerId, tripId, last: lastOfVehicle }],
  );
  if (ofVehicles.length === 0) return new Set();
  const { rows } = await client.query<{ index: number }>(
    `SELECT keys.index
     FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[])
         AS keys (index, provider_id, device_id, trip_id, at_ms, event_id),
       LATERAL (
         SELECT FROM ride.vehicle_events AS events
         WHERE events.device_id = keys.device_id AND events.provider_id = keys.provider_id
           AND events."timestamp" >= ${timeFromMs('keys.at_ms')}
           AND (events."timestamp", events.event_id) > (${timeFromMs('keys.at_ms')}, keys.event_id)
           AND NOT keys.trip_id = ANY (coalesce(events.trip_ids, '{}'))
           AND (events.vehicle_state IN ('available', 'non_operational', 'removed')
             OR (events.vehicle_state IN ('reserved', 'on_trip', 'stopped') AND cardinality(events.trip_ids) > 0))
         LIMIT 1
       ) AS later`,
    [
      ofVehicles.map(({ index }) => index),
      ofVehicles.map(({ providerId }) => providerId),
      ofVehicles.map(({ last }) => last.deviceId),
      ofVehicles.map(({ tripId }) => tripId),
      ofVehicles.map(({ last }) => last.fix.at),
      ofVehicles.map(({ last }) => last.id),
    ],
  );
  return new Set(rows.map(({ index }) => index));
}

/** Returns the telemetry of periods, in order of time, by the index of the trip. */
export async function readTelemetry(
  client: pg.ClientBase,
  periods: readonly (Lookup & TelemetryPeriod)[],
): Promise<ReadonlyMap<number, Fix[]>> {
  const { rows } = await client.query<FixRow & { index: number }>(
    `SELECT keys.index, points.*
     FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[])
         AS keys (index, provider_id, device_id, from_ms, to_ms),
       LATERAL (
         SELECT ${fixColumns('points')} FROM ride.telemetry AS points
         WHERE points.device_id = keys.device_id AND points.provider_id = keys.provider_id
           AND points."timestamp" >= ${timeFromMs('keys.from_ms')} AND points."timestamp" <= ${timeFromMs('keys.to_ms')}
         ORDER BY points."timestamp", points.telemetry_id
       ) AS points`,
    [
      periods.map(({ index }) => index),
      periods.map(({ providerId }) => providerId),
      periods.map(({ deviceId }) => deviceId),
      periods.map(({ from }) => from),
      periods.map(({ to }) => to),
    ],
  );
  const byTrip = new Map<number, Fix[]>(periods.map(({ index }) => [index, []]));
  for (const { index, ...fix } of rows) byTrip.get(index)!.push(fix);
  return byTrip;
}

type FixRow = Fix;

function fixColumns(table: string): string {
  return `${msFromTime(`${table}."timestamp"`)} AS at, ${table}.lat, ${table}.lng, ${table}.speed, ${table}.heading,
       ${table}.horizontal_accuracy AS accuracy`;
}
