import type { CancelledBy } from '@hailstream/events/live';
import { Random } from '@hailstream/service/testing';
import type { CityEvent } from '../fold/city-state.js';
import {
  id,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  tripReport,
  vehicleEvent,
} from '../fold/events.fixture.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const SLOT_MS = 30 * MINUTE_MS;
const STEP_MS = 10 * SECOND_MS;
const DEVICES = 6;

/** Degrees of latitude per step of 10 s: about 111 m. */
const STEP_DEGREES = 0.001;

/** What really happened. */
export interface TrueTrip {
  readonly tripId: string;
  readonly providerId: string;
  readonly deviceId: string;
  readonly requestedAt: number;
  readonly reservedAt: number | null;
  readonly arrivedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly cancelledBy: CancelledBy | null;
  /** `wrong`: ended ten minutes later, twice as long. */
  readonly report: 'right' | 'wrong' | null;
  /** Without telemetry for three minutes of the ride. */
  readonly gap: { readonly from: number; readonly to: number } | null;
  /** After it, the vehicle stands still for ten minutes. */
  readonly rests: boolean;
}

export interface ReceivedEvent {
  readonly input: CityEvent;
  readonly receivedAt: number;
}

/** Trips of six vehicles of two providers in the last three hours; two trips of different providers have the same id. */
export function trueTrips(now: number): TrueTrip[] {
  const begin = Math.floor((now - DEVICES * SLOT_MS) / STEP_MS) * STEP_MS;
  return Array.from({ length: DEVICES * DEVICES }, (_, n): TrueTrip => {
    const [device, slot] = [n % DEVICES, Math.floor(n / DEVICES)];
    const kind = (device + slot) % 6;
    const requestedAt = begin + slot * SLOT_MS + device * MINUTE_MS;
    const isReserved = kind !== 5;
    const isDriven = kind < 4;
    const startedAt = requestedAt + 4 * MINUTE_MS;
    return {
      tripId: id(n === 7 ? 0x300 : 0x300 + n),
      providerId: device === 0 ? OTHER_PROVIDER : PROVIDER,
      deviceId: id(0x10 + device),
      requestedAt,
      reservedAt: isReserved ? requestedAt + MINUTE_MS : null,
      arrivedAt: isDriven ? requestedAt + 3 * MINUTE_MS : null,
      startedAt: isDriven ? startedAt : null,
      endedAt: isDriven ? startedAt + 8 * MINUTE_MS : requestedAt + 2 * MINUTE_MS,
      cancelledBy: isDriven ? null : kind === 4 ? 'driver' : 'rider',
      report: !isDriven || n === 12 ? null : kind === 3 ? 'wrong' : 'right',
      gap: kind === 1 ? { from: startedAt + 2 * MINUTE_MS, to: startedAt + 5 * MINUTE_MS } : null,
      rests: kind === 2,
    };
  });
}

/** Where the vehicle of a trip is: it drives north from the reservation on, and stops at the end. */
export function placeAt({ deviceId, reservedAt, endedAt }: TrueTrip, at: number) {
  const steps = (Math.min(at, endedAt!) - reservedAt!) / STEP_MS;
  return { lat: 43.5 + steps * STEP_DEGREES, lng: 7.4 + Number.parseInt(deviceId.slice(-2), 16) / 1_000 };
}

/** The times at which the vehicle of a trip has sent its position. */
export function telemetryTimes({ reservedAt, endedAt, startedAt, gap, rests }: TrueTrip): number[] {
  if (reservedAt === null || startedAt === null) return [];
  const until = endedAt! + (rests ? 10 * MINUTE_MS : 0);
  const times: number[] = [];
  for (let at = reservedAt; at <= until; at += STEP_MS) {
    if (gap === null || at <= gap.from || at >= gap.to) times.push(at);
  }
  return times;
}

/** The events of the trips as the log has them: shuffled, some late, some repeated. */
export function receivedEvents(trips: readonly TrueTrip[], now: number, seed: number): ReceivedEvent[] {
  const random = new Random(seed);
  const events = trips.flatMap(eventsOf).flatMap(({ input, at }): ReceivedEvent[] => {
    const lateMs = random.fraction() < 0.2 ? Math.floor(random.fraction() * 60 * MINUTE_MS) : 500;
    const received = { input, receivedAt: Math.min(now, at + lateMs) };
    return random.fraction() < 0.1 ? [received, { input, receivedAt: now }] : [received];
  });
  return shuffled(events, random);
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, order: random.fraction() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}

function eventsOf(trip: TrueTrip): { readonly input: CityEvent; readonly at: number }[] {
  const { tripId: trip_id, deviceId: device_id, providerId: provider_id } = trip;
  const { requestedAt, reservedAt, arrivedAt, startedAt, endedAt, cancelledBy } = trip;
  const events: { input: CityEvent; at: number }[] = [];
  const add = (at: number, input: CityEvent): void => void events.push({ at, input });
  const move = (at: number | null, change: Parameters<typeof vehicleEvent>[0]): void => {
    if (at === null) return;
    const location = reservedAt === null ? { lat: 43.5, lng: 7.4 } : placeAt(trip, at);
    const whose = { device_id, provider_id, trip_ids: [trip_id] };
    add(at, vehicleEvent({ ...whose, timestamp: at, location, ...change }));
  };
  add(requestedAt, riderEvent({ trip_id, provider_id, timestamp: requestedAt }));
  move(reservedAt, { vehicle_state: 'reserved', event_types: ['reservation_start'] });
  move(arrivedAt, { vehicle_state: 'stopped', event_types: ['reservation_stop'] });
  move(startedAt, { vehicle_state: 'on_trip', event_types: ['trip_start'] });
  if (cancelledBy === 'rider') {
    add(endedAt!, riderEvent({ trip_id, provider_id, event_type: 'ride_cancel', timestamp: endedAt! }));
  } else if (cancelledBy === 'driver') {
    move(endedAt, { vehicle_state: 'available', event_types: ['driver_cancellation'] });
  } else {
    move(endedAt, { vehicle_state: 'available', event_types: ['trip_stop', 'trip_end'] });
  }
  for (const at of telemetryTimes(trip)) {
    const location = { ...placeAt(trip, at), ...(provider_id === PROVIDER && { speed: 11 }) };
    add(at, telemetry({ device_id, provider_id, timestamp: at, location }));
  }
  if (trip.report !== null) {
    const isWrong = trip.report === 'wrong';
    const end_time = endedAt! + (isWrong ? 10 * MINUTE_MS : 0);
    // 48 steps of about 111.1 m.
    const distance = 5_333 * (isWrong ? 2 : 1);
    const report = { trip_id, device_id, provider_id, start_time: startedAt!, end_time, distance };
    const [start_location, end_location] = [placeAt(trip, startedAt!), placeAt(trip, endedAt!)];
    const duration = (end_time - startedAt!) / SECOND_MS;
    add(end_time, tripReport({ ...report, duration, start_location, end_location }));
  }
  return events;
}
