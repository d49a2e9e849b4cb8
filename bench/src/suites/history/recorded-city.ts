import { eventRegistry, type EventOf, type FamilyName } from '@hailstream/events';
import type { OutgoingRecord } from '@hailstream/log';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';

/** A vehicle has one trip per cycle. */
const CYCLE_MS = 900_000;

/** What happens in a cycle, by the time since its start. */
const REQUESTED_AT_MS = 0;
const RESERVED_AT_MS = 30_000;
const STARTED_AT_MS = 180_000;
const ENDED_AT_MS = 720_000;

/** Usual time from an event to its receipt, and that of one telemetry point in `LATE_ONE_OF`. */
const TRANSIT_MS = 300;
const LATE_MS = 600_000;
const LATE_ONE_OF = 100;

export interface RecordedCity {
  readonly vehicles: number;
  readonly from: number;
  readonly to: number;
  /** Interval of a vehicle's telemetry. */
  readonly telemetryMs: number;
}

/** The records of a city in the order of their receipt, in groups of one interval. */
export function* recordsOf({ vehicles, from, to, telemetryMs }: RecordedCity): Generator<OutgoingRecord[]> {
  const late = new Map<number, OutgoingRecord[]>();
  let points = 0;
  for (let start = from; start < to; start += telemetryMs) {
    const records: OutgoingRecord[] = [];
    for (let vehicle = 0; vehicle < vehicles; vehicle += 1) {
      const at = start + Math.floor((vehicle / vehicles) * telemetryMs);
      const isLate = points % LATE_ONE_OF === 0;
      const record = telemetry(vehicle, at, points, at + (isLate ? LATE_MS : TRANSIT_MS));
      if (isLate) addTo(late, start + Math.ceil(LATE_MS / telemetryMs) * telemetryMs, record);
      else records.push(record);
      points += 1;
      records.push(...tripRecords(vehicle, at, telemetryMs));
    }
    records.push(...(late.get(start) ?? []));
    late.delete(start);
    yield records;
  }
}

function deviceId(vehicle: number): string {
  return uuid(1, vehicle);
}

function addTo(groups: Map<number, OutgoingRecord[]>, key: number, record: OutgoingRecord): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [record]);
  else group.push(record);
}

function telemetry(vehicle: number, at: number, point: number, receivedAt: number): OutgoingRecord {
  const event = {
    device_id: deviceId(vehicle),
    provider_id: LOCAL_PROVIDER_ID,
    telemetry_id: uuid(2, point),
    timestamp: at,
    trip_ids: null,
    journey_id: null,
    location: { ...locationOf(vehicle, at), heading: point % 360, speed: (point % 170) / 10 },
  };
  return recordOf('telemetry', event, receivedAt);
}

/** The events of a vehicle's trip that happen in the interval from `at` on. */
function tripRecords(vehicle: number, at: number, intervalMs: number): OutgoingRecord[] {
  // Trips of the vehicles start at different times.
  const shifted = at + ((vehicle * 7_919) % CYCLE_MS);
  const since = shifted % CYCLE_MS;
  const cycle = Math.floor(shifted / CYCLE_MS);
  const isNow = (time: number): boolean => since >= time && since < time + intervalMs;
  const ids = { device_id: deviceId(vehicle), provider_id: LOCAL_PROVIDER_ID };
  const trip_id = uuid(3, vehicle, cycle);
  const location = locationOf(vehicle, at);
  const receivedAt = at + TRANSIT_MS;
  const change = (
    step: number,
    vehicle_state: 'reserved' | 'on_trip' | 'available',
    type: 'reservation_start' | 'trip_start' | 'trip_end',
  ) => {
    const event_id = uuid(4 + step, vehicle, cycle);
    const event = { ...ids, event_id, vehicle_state, event_types: [type], timestamp: at, location };
    return recordOf('vehicle-events', { ...event, trip_ids: [trip_id] }, receivedAt);
  };
  if (isNow(REQUESTED_AT_MS)) {
    const event = {
      event_id: uuid(8, vehicle, cycle),
      provider_id: LOCAL_PROVIDER_ID,
      rider_id: uuid(9, vehicle, cycle),
      trip_id,
      event_type: 'ride_request' as const,
      timestamp: at,
      location,
      destination: locationOf(vehicle, at + ENDED_AT_MS),
    };
    return [recordOf('rider-events', event, receivedAt)];
  }
  if (isNow(RESERVED_AT_MS)) return [change(0, 'reserved', 'reservation_start')];
  if (isNow(STARTED_AT_MS)) return [change(1, 'on_trip', 'trip_start')];
  return isNow(ENDED_AT_MS) ? [change(2, 'available', 'trip_end')] : [];
}

/** On a circle around the middle of Monaco, one round per hour. */
function locationOf(vehicle: number, at: number): { readonly lat: number; readonly lng: number } {
  const angle = (at / 3_600_000) * 2 * Math.PI + vehicle;
  const radius = 0.002 + (vehicle % 100) / 10_000;
  return { lat: rounded(43.736 + radius * Math.sin(angle)), lng: rounded(7.42 + radius * Math.cos(angle)) };
}

function rounded(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}

/** Different for each kind and numbers, with the form of a UUID of version 7. */
function uuid(kind: number, number: number, cycle = 0): string {
  const digits = (value: number, count: number): string =>
    value.toString(16).padStart(count, '0').slice(-count);
  return `0195a0c4-${digits(kind, 4)}-7${digits(cycle, 3)}-8${digits(cycle >> 12, 3)}-${digits(number, 12)}`;
}

function recordOf<Name extends FamilyName>(
  name: Name,
  event: EventOf<Name>,
  receivedAt: number,
): OutgoingRecord {
  const { topic, key } = eventRegistry.byName.get(name)!;
  const value = Buffer.from(JSON.stringify(event));
  return { topic: topic.name, key: key(event as never), value, timestampMs: receivedAt };
}
