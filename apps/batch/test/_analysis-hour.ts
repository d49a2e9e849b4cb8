import { randomUUID } from 'node:crypto';
import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type VehicleEvent,
} from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { latLngToCell } from 'h3-js';
import pg from 'pg';
import { readZones } from '../src/zones/zone-file.js';
import { storeZones } from '../src/zones/zones.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
  type TestRecord,
} from './_util.js';

export const MINUTE_MS = 60_000;
/** Ten o'clock. */
const TEN = YESTERDAY + 600 * MINUTE_MS;
const HARBOUR = { lat: 43.735, lng: 7.421 };
const BEACH = { lat: 43.745, lng: 7.433 };
/** The H3 cells. */
export const [harbour, beach] = [HARBOUR, BEACH].map(({ lat, lng }) => latLngToCell(lat, lng, 9)) as [
  string,
  string,
];

/** A time so many minutes after ten o'clock. */
export const at = (minutes: number): Date => new Date(TEN + minutes * MINUTE_MS);
export const [first, second] = [randomUUID(), randomUUID()];
export const [ridden, cancelled, refused] = [randomUUID(), randomUUID(), randomUUID()];

/** A square of about 550 m around a place. */
function zoneAround(name: string, { lat, lng }: { lat: number; lng: number }): object {
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
    [-1, -1],
  ];
  const ring = corners.map(([east, north]) => [lng + east! * 0.0034, lat + north! * 0.0025]);
  return { type: 'Feature', properties: { name }, geometry: { type: 'Polygon', coordinates: [ring] } };
}

function change(
  device_id: string,
  minutes: number,
  vehicle_state: VehicleEvent['vehicle_state'],
  type: VehicleEvent['event_types'][number],
  trip_id = ridden,
): VehicleEvent {
  const timestamp = TEN + minutes * MINUTE_MS;
  return makeVehicleEvent({
    device_id,
    timestamp,
    vehicle_state,
    event_types: [type],
    trip_ids: [trip_id],
    location: HARBOUR,
  });
}

const vehicleEvents = [
  change(first, 0, 'available', 'service_start'),
  change(first, 5, 'reserved', 'reservation_start'),
  change(first, 10, 'on_trip', 'trip_start'),
  change(first, 20, 'stopped', 'trip_stop'),
  change(first, 22, 'available', 'trip_end'),
  change(first, 60, 'non_operational', 'service_end'),
  change(second, 41, 'reserved', 'reservation_start', refused),
  // The last event of the vehicle: it counts as available until the last event of any vehicle, at eleven o'clock.
  change(second, 44, 'available', 'driver_cancellation', refused),
];

const riderEvents = [
  [ridden, 4, 'ride_request', HARBOUR],
  [cancelled, 30, 'ride_request', HARBOUR],
  [cancelled, 33, 'ride_cancel', HARBOUR],
  [refused, 40, 'ride_request', BEACH],
] as const;

const positions = [
  [0, 0],
  [1, 10],
  [4, undefined],
] as const;

const trip = makeTrip({
  trip_id: ridden,
  device_id: first,
  start_time: TEN + 10 * MINUTE_MS,
  end_time: TEN + 22 * MINUTE_MS,
  duration: 720,
  actual_cost: 1_450,
  currency: 'EUR',
});

async function appendAll(broker: { readonly address: string }): Promise<void> {
  const send = (topic: string, events: readonly object[]) =>
    append(
      broker,
      topic,
      events.map((value): TestRecord => ({ key: 'k', value })),
    );
  await send(vehicleEventFamily.topic.name, vehicleEvents);
  await send(
    riderEventFamily.topic.name,
    riderEvents.map(([trip_id, minutes, event_type, location]) =>
      makeRiderEvent({ trip_id, event_type, location, timestamp: TEN + minutes * MINUTE_MS }),
    ),
  );
  await send(tripFamily.topic.name, [trip]);
  await append(broker, telemetryFamily.topic.name, [
    ...positions.map(([minutes, speed]): TestRecord => {
      const timestamp = TEN + minutes * MINUTE_MS;
      const location = { ...HARBOUR, ...(speed !== undefined && { speed }) };
      // Received two minutes late.
      return {
        key: first,
        timestampMs: timestamp + 2 * MINUTE_MS,
        value: makeTelemetry({ device_id: first, timestamp, location }),
      };
    }),
    { key: first, timestampMs: TEN, value: { telemetry_id: randomUUID(), provider_id: PROVIDER } },
    { key: first, timestampMs: TEN, value: Buffer.from('nonsense') },
  ]);
}

/** A database with an hour of a city: two vehicles, four requests in two zones, a trip, three positions and two rejects. */
export async function loadHour(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  await using broker = await startTestBroker();
  await appendAll(broker);
  await using loads = await createLoadRunner(broker, database);
  const { rows, rejects } = await loads.load(new AbortController().signal);
  if (rows !== 16 || rejects !== 2)
    throw new Error(`expected 16 rows and 2 rejects, got ${rows} and ${rejects}`);
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const features = [zoneAround('Harbour', HARBOUR), zoneAround('Beach', BEACH)];
  await storeZones(pool, readZones(JSON.stringify({ type: 'FeatureCollection', features }), 'name'));
  await pool.end();
  return database;
}
