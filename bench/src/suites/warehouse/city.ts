import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { latLngToCell } from 'h3-js';
import type pg from 'pg';

export const DAYS = 30;
export const DAY_MS = 86_400_000;
const SECOND_PROVIDER_ID = 'f7b2c3d4-0000-4000-8000-000000000002';

/** Each vehicle works for twelve hours a day, and has a trip every 40 minutes, of which some are cancelled. */
const SHIFT_SECONDS = 43_200;
const CYCLE_SECONDS = 2_400;
const CANCELLED_SHARE = 0.08;
/** Interval of the positions of a vehicle, unless there are few rows. */
const TELEMETRY_SECONDS = 10;
const LEAST_VEHICLES = 2;
/** One position of so many is received ten minutes late. */
const LATE_ONE_OF = 100;

/** A city of 11 by 11 kilometres in San Francisco, on whose squares the H3 cells are looked up. */
const CENTRE = { lat: 37.76, lng: -122.44 };
const METERS_PER_DEGREE = { lat: 111_195, lng: 87_905 };
const RADIUS_METERS = 5_500;
const SQUARE_METERS = 100;
const SQUARES = 112;

export interface City {
  readonly vehicles: number;
  readonly telemetrySeconds: number;
  /** Midnight, UTC, of the first day. */
  readonly fromMs: number;
}

/** The city that sends about so many positions in {@link DAYS}. The fleet grows with the rows, its area does not. */
export function cityOf(rows: number, fromMs: number): City {
  const ofVehicle = (DAYS * SHIFT_SECONDS) / TELEMETRY_SECONDS;
  const vehicles = Math.max(LEAST_VEHICLES, Math.round(rows / ofVehicle));
  const telemetrySeconds = Math.max(TELEMETRY_SECONDS, Math.round((vehicles * DAYS * SHIFT_SECONDS) / rows));
  return { vehicles, telemetrySeconds, fromMs };
}

/** The first of {@link DAYS} whose last one is yesterday. */
export function firstDay(): number {
  return (Math.floor(Date.now() / DAY_MS) - DAYS) * DAY_MS;
}

/** Creates the tables from which {@link fillDay} generates rows. They are in a schema of their own. */
export async function prepareCity(client: pg.Client, { vehicles }: City): Promise<void> {
  const columns = Array.from({ length: SQUARES * SQUARES }, (_, index) => {
    const [x, y] = [Math.floor(index / SQUARES), index % SQUARES];
    const metersOf = (square: number): number => (square - SQUARES / 2 + 0.5) * SQUARE_METERS;
    const lat = CENTRE.lat + metersOf(y) / METERS_PER_DEGREE.lat;
    const lng = CENTRE.lng + metersOf(x) / METERS_PER_DEGREE.lng;
    return { x, y, cell: BigInt(`0x${latLngToCell(lat, lng, 9)}`).toString() };
  });
  await client.query(
    `DROP SCHEMA IF EXISTS bench_city CASCADE;
     CREATE SCHEMA bench_city;
     CREATE TABLE bench_city.squares (x integer, y integer, h3_cell bigint, PRIMARY KEY (x, y));
     CREATE TABLE bench_city.vehicles (number integer PRIMARY KEY, device_id uuid, provider_id uuid, shift_seconds integer)`,
  );
  await client.query(
    'INSERT INTO bench_city.squares SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[])',
    [columns.map(({ x }) => x), columns.map(({ y }) => y), columns.map(({ cell }) => cell)],
  );
  await client.query(
    `INSERT INTO bench_city.vehicles
     SELECT number, md5('device ' || number)::uuid, (CASE number % 3 WHEN 0 THEN $2 ELSE $3 END)::uuid,
       (number * 7919) % ${86_400 - SHIFT_SECONDS}
     FROM generate_series(1, $1::integer) AS number`,
    [vehicles, SECOND_PROVIDER_ID, LOCAL_PROVIDER_ID],
  );
  await client.query('ANALYZE bench_city.squares, bench_city.vehicles');
}

/** Inserts the rows and the seen ids of one day, in the order of their receipt, and marks the quarters and trips of it. */
export async function fillDay(client: pg.Client, city: City, day: number): Promise<void> {
  const startMs = city.fromMs + day * DAY_MS;
  const start = `'${new Date(startMs).toISOString()}'::timestamptz`;
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO ride.telemetry
       (telemetry_id, device_id, provider_id, "timestamp", lat, lng, heading, speed, horizontal_accuracy, h3_cell, received_at)
     SELECT ${idOf('seconds', `'position ' || number`)}, device_id, provider_id, to_timestamp(seconds), lat, lng,
       (seconds::bigint * 7 + number) % 360, round((6 + 4 * sin(seconds))::numeric, 1), 5, h3_cell,
       to_timestamp(seconds) + CASE WHEN late THEN interval '10 minutes' ELSE interval '300 milliseconds' END
     FROM (${placed(positionsOf(city, startMs / 1_000))}) AS positions
     ORDER BY seconds + CASE WHEN late THEN 600 ELSE 0.3 END`,
  );
  await client.query(`CREATE TEMPORARY TABLE rides ON COMMIT DROP AS ${ridesOf(startMs / 1_000)}`);
  await client.query(
    `INSERT INTO ride.vehicle_events
       (event_id, device_id, provider_id, vehicle_state, event_types, "timestamp", lat, lng, trip_ids, h3_cell, received_at)
     SELECT ${idOf('seconds', `'event ' || number || type`)}, device_id, provider_id, state, ARRAY[type], to_timestamp(seconds),
       lat, lng, CASE WHEN trip_id IS NULL THEN NULL ELSE ARRAY[trip_id] END, h3_cell, to_timestamp(seconds + 0.3)
     FROM (${placed(vehicleEventsOf(startMs / 1_000))}) AS events ORDER BY seconds`,
  );
  await client.query(
    `INSERT INTO ride.rider_events
       (event_id, provider_id, rider_id, trip_id, event_type, "timestamp", lat, lng, destination, h3_cell, received_at)
     SELECT ${idOf('seconds', `'rider event ' || number || type`)}, provider_id, md5('rider' || trip_id)::uuid, trip_id, type,
       to_timestamp(seconds), lat, lng, jsonb_build_object('lat', lat + 0.01, 'lng', lng - 0.01), h3_cell,
       to_timestamp(seconds + 0.3)
     FROM (${placed(RIDER_EVENTS)}) AS events ORDER BY seconds`,
  );
  await client.query(
    `INSERT INTO ride.trips
       (trip_id, provider_id, device_id, start_time, end_time, start_location, end_location, duration, distance,
        actual_cost, currency, received_at)
     SELECT trip_id, provider_id, device_id, to_timestamp(picked_up), to_timestamp(seconds),
       jsonb_build_object('lat', lat, 'lng', lng), jsonb_build_object('lat', lat, 'lng', lng),
       (seconds - picked_up)::integer, ((seconds - picked_up) * 6)::integer, ((seconds - picked_up) * 2)::bigint, 'USD',
       to_timestamp(seconds + 5)
     FROM (${placed('SELECT *, ended AS seconds FROM rides WHERE NOT cancelled')}) AS trips ORDER BY seconds`,
  );
  for (const [table, id, time] of SEEN) {
    await client.query(
      `INSERT INTO ride.${table}_seen (id, provider_id, day, seen_on)
       SELECT "${id}", provider_id, (${start} AT TIME ZONE 'UTC')::date, (${start} AT TIME ZONE 'UTC')::date
       FROM ride.${table} AS loaded WHERE "${time}" >= ${start} AND "${time}" < ${start} + interval '1 day'
       ON CONFLICT DO NOTHING`,
    );
  }
  await client.query(
    `INSERT INTO ride.stale_quarters
     SELECT generate_series(${start}, ${start} + interval '1 day' - interval '15 minutes', '15 minutes')`,
  );
  await client.query('COMMIT');
}

/** The tables, with their ids and times. */
const SEEN = [
  ['telemetry', 'telemetry_id', 'timestamp'],
  ['vehicle_events', 'event_id', 'timestamp'],
  ['rider_events', 'event_id', 'timestamp'],
  ['trips', 'trip_id', 'end_time'],
] as const;

function positionsOf({ vehicles, telemetrySeconds }: City, start: number): string {
  return `SELECT number, device_id, provider_id,
      ${start} + step * ${telemetrySeconds} + round(number * ${telemetrySeconds}::numeric / ${vehicles + 1}, 3)::float8 AS seconds,
      (step * 31 + number * 17) % ${LATE_ONE_OF} = 0 AS late
    FROM generate_series(0, ${Math.ceil(86_400 / telemetrySeconds) - 1}) AS step CROSS JOIN bench_city.vehicles
    WHERE step * ${telemetrySeconds} >= shift_seconds AND step * ${telemetrySeconds} < shift_seconds + ${SHIFT_SECONDS}`;
}

/** The rides of a day, with the times of what happens, in seconds since 1970. */
function ridesOf(start: number): string {
  return `SELECT number, device_id, provider_id, requested, requested + 30 AS assigned, requested + 150 + chance(1) * 300 AS picked_up,
      requested + 150 + chance(1) * 300 + 600 + chance(2) * 600 AS ended, requested + 120 AS given_up,
      chance(3) < ${CANCELLED_SHARE} AS cancelled, ${idOf('requested', `'trip ' || number`)} AS trip_id
    FROM (
      SELECT *, round((${start} + shift_seconds + cycle * ${CYCLE_SECONDS} + 400 + chance(0) * 120)::numeric, 3)::float8 AS requested
      FROM bench_city.vehicles CROSS JOIN generate_series(0, ${SHIFT_SECONDS / CYCLE_SECONDS - 1}) AS cycle
    ) AS cycles`.replaceAll(
    /chance\((\d)\)/g,
    (_, seed: string) =>
      `(((hashtextextended(number || '/' || cycle || '/' || ${start}, ${seed}) & 1048575)::float8) / 1048576)`,
  );
}

function vehicleEventsOf(start: number): string {
  const ofRides = [
    ['assigned', 'reserved', 'reservation_start', 'true'],
    ['given_up', 'available', 'passenger_cancellation', 'cancelled'],
    ['picked_up - 20', 'stopped', 'reservation_stop', 'NOT cancelled'],
    ['picked_up', 'on_trip', 'trip_start', 'NOT cancelled'],
    ['ended - 10', 'stopped', 'trip_stop', 'NOT cancelled'],
    ['ended', 'available', 'trip_end', 'NOT cancelled'],
  ].map(
    ([time, state, type, condition]) =>
      `SELECT number, device_id, provider_id, trip_id, '${state}' AS state, '${type}' AS type, ${time} AS seconds
       FROM rides WHERE ${condition}`,
  );
  const ofShifts = [
    [0, 'available', 'service_start'],
    [SHIFT_SECONDS, 'non_operational', 'service_end'],
  ].map(
    ([offset, state, type]) =>
      `SELECT number, device_id, provider_id, NULL::uuid, '${state}', '${type}', ${start} + shift_seconds + ${offset}
       FROM bench_city.vehicles`,
  );
  return [...ofRides, ...ofShifts].join(' UNION ALL ');
}

const RIDER_EVENTS = `SELECT number, provider_id, trip_id, 'ride_request' AS type, requested AS seconds FROM rides
  UNION ALL SELECT number, provider_id, trip_id, 'ride_cancel', given_up - 1 FROM rides WHERE cancelled`;

/** Adds the place of a vehicle at a time: it moves on a Lissajous figure at up to 8 metres per second. */
function placed(source: string): string {
  const wave = (period: number, shift: number): string =>
    `${RADIUS_METERS} * sin(2 * pi() * (seconds / ${period} + number * ${shift}))`;
  const square = (meters: string): string =>
    `floor((${meters}) / ${SQUARE_METERS} + ${SQUARES / 2})::integer`;
  return `SELECT source.*, round((${CENTRE.lat} + north / ${METERS_PER_DEGREE.lat})::numeric, 6)::float8 AS lat,
      round((${CENTRE.lng} + east / ${METERS_PER_DEGREE.lng})::numeric, 6)::float8 AS lng, h3_cell
    FROM (${source}) AS source
    CROSS JOIN LATERAL (SELECT ${wave(5_200, 0.37)} AS east, ${wave(6_900, 0.61)} AS north) AS places
    JOIN bench_city.squares ON squares.x = ${square('east')} AND squares.y = ${square('north')}`;
}

/** An id of the form of a UUID of version 7: ordered by time. */
function idOf(seconds: string, text: string): string {
  return `(SELECT lpad(to_hex((${seconds} * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15)
    FROM md5(${text} || ${seconds}) AS hash)::uuid`;
}

/** Zones of a square kilometre each, as GeoJSON. */
export function zonesFile(): string {
  const side = 1_000;
  const count = Math.ceil((2 * RADIUS_METERS) / side);
  const corner = (x: number, y: number): [number, number] => [
    CENTRE.lng + (x * side - RADIUS_METERS) / METERS_PER_DEGREE.lng,
    CENTRE.lat + (y * side - RADIUS_METERS) / METERS_PER_DEGREE.lat,
  ];
  const features = Array.from({ length: count * count }, (_, index) => {
    const [x, y] = [Math.floor(index / count), index % count];
    const ring = [corner(x, y), corner(x + 1, y), corner(x + 1, y + 1), corner(x, y + 1), corner(x, y)];
    return {
      type: 'Feature',
      properties: { name: `Zone ${index + 1}` },
      geometry: { type: 'Polygon', coordinates: [ring] },
    };
  });
  return JSON.stringify({ type: 'FeatureCollection', features });
}
