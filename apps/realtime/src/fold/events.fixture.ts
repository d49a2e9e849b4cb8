import type { RiderEvent, Telemetry, Trip, VehicleEvent } from '@hailstream/events';
import type { CityEvent } from './city-state.js';

/** The time of the tests, in milliseconds since the epoch. */
export const NOW = 1_760_000_000_000;

export const PROVIDER = '0195a0c4-7a10-7000-8000-0000000000aa';
export const OTHER_PROVIDER = '0195a0c4-7a10-7000-8000-0000000000ab';

/** A UUID that ends with `n` in hexadecimal. */
export function id(n: number): string {
  return `0195a0c4-7a10-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

let ids = 0x1000;
const nextId = (): string => id((ids += 1));

export function telemetry(change: Partial<Telemetry> = {}): CityEvent {
  const event: Telemetry = {
    device_id: id(1),
    provider_id: PROVIDER,
    telemetry_id: nextId(),
    timestamp: NOW,
    location: { lat: 43.7384, lng: 7.4246, heading: 90, speed: 8.3 },
    ...change,
  };
  return { kind: 'telemetry', event };
}

export function vehicleEvent(change: Partial<VehicleEvent> = {}): CityEvent {
  const event: VehicleEvent = {
    device_id: id(1),
    provider_id: PROVIDER,
    event_id: nextId(),
    vehicle_state: 'reserved',
    event_types: ['reservation_start'],
    timestamp: NOW,
    location: { lat: 43.7384, lng: 7.4246 },
    trip_ids: [id(100)],
    ...change,
  };
  return { kind: 'vehicle-events', event };
}

export function riderEvent(change: Partial<RiderEvent> = {}): CityEvent {
  const event: RiderEvent = {
    event_id: nextId(),
    provider_id: PROVIDER,
    rider_id: id(200),
    trip_id: id(100),
    event_type: 'ride_request',
    timestamp: NOW,
    location: { lat: 43.7384, lng: 7.4246 },
    destination: { lat: 43.7311, lng: 7.4189 },
    ...change,
  };
  return { kind: 'rider-events', event };
}

export function tripReport(change: Partial<Trip> = {}): CityEvent {
  const event: Trip = {
    provider_id: PROVIDER,
    device_id: id(1),
    trip_id: id(100),
    start_time: NOW - 600_000,
    end_time: NOW,
    start_location: { lat: 43.7384, lng: 7.4246 },
    end_location: { lat: 43.7311, lng: 7.4189 },
    duration: 600,
    distance: 2_750,
    ...change,
  };
  return { kind: 'trips', event };
}

/** Events of one minute: positions, states, ride requests and a cancellation. */
export function minuteOfEvents(now: number): CityEvent[] {
  return [
    ...Array.from({ length: 40 }, (_, n) =>
      telemetry({
        device_id: id((n % 8) + 1),
        timestamp: now - n * 1_000,
        location: { lat: 43.73 + n / 1024, lng: 7.42 },
      }),
    ),
    vehicleEvent({ device_id: id(1), timestamp: now - 500 }),
    vehicleEvent({
      device_id: id(2),
      timestamp: now - 900,
      vehicle_state: 'available',
      event_types: ['service_start'],
    }),
    riderEvent({ timestamp: now - 30_000 }),
    riderEvent({ trip_id: id(101), timestamp: now - 20_000 }),
    riderEvent({ trip_id: id(102), timestamp: now - 19_000 }),
    riderEvent({ trip_id: id(102), timestamp: now - 9_000, event_type: 'ride_cancel' }),
  ];
}
