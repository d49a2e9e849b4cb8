import { randomUUID } from 'node:crypto';
import {
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestRecord,
} from './_util.js';

export const OTHER_PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000002';
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const RIDES = 240;
/** After it, nothing of a vehicle is heard. */
export const LAST_POSITION_MS = 20 * MINUTE_MS;
export const PORT = { lat: 43.7384, lng: 7.4246 };
export const HILL = { lat: 43.7601, lng: 7.4801 };

/** A ride as the test knows it: nothing is derived from what the system stores. */
export interface Ride {
  readonly providerId: string;
  readonly location: typeof PORT;
  readonly requestedMs: number;
  readonly waitMs: number;
  readonly rideMs: number;
  readonly end: 'completed' | 'rider' | 'driver' | 'open';
  readonly costCents: number;
  /** Whether the vehicle sends a position some time after the end. */
  readonly isHeardLater: boolean;
}

/** Rides of two days, more of them on the second one. Different in every respect, and the same in every run. */
export const rides: readonly Ride[] = Array.from({ length: RIDES }, (_, index) => {
  const dayMs = YESTERDAY - (index % 3 === 0 ? DAY_MS : 0);
  return {
    providerId: index % 4 === 0 ? OTHER_PROVIDER : PROVIDER,
    location: index % 5 === 0 ? HILL : PORT,
    requestedMs: dayMs + ((index * 7_919) % 1_300) * MINUTE_MS + (index % 60) * 1_000,
    waitMs: (60 + ((index * 37) % 600)) * 1_000,
    rideMs: (300 + ((index * 53) % 1_200)) * 1_000,
    end: index % 9 === 0 ? 'rider' : index % 17 === 0 ? 'driver' : index % 31 === 0 ? 'open' : 'completed',
    costCents: 500 + index * 3,
    isHeardLater: index % 7 === 0,
  };
});

/** All records of a ride. */
export function eventsOf(ride: Ride) {
  const { providerId, location, requestedMs, waitMs, rideMs, end } = ride;
  const [tripId, deviceId] = [randomUUID(), randomUUID()];
  const { costCents } = ride;
  const pickUpMs = requestedMs + waitMs;
  const request = { trip_id: tripId, provider_id: providerId, location };
  const rider = [makeRiderEvent({ ...request, timestamp: requestedMs })];
  if (end === 'rider')
    rider.push(makeRiderEvent({ ...request, event_type: 'ride_cancel', timestamp: pickUpMs }));
  const vehicleEvent = (
    state: 'available' | 'reserved' | 'stopped' | 'on_trip',
    type: string,
    timestamp: number,
  ) =>
    makeVehicleEvent({
      device_id: deviceId,
      provider_id: providerId,
      vehicle_state: state,
      event_types: [type] as never,
      timestamp,
      location,
      trip_ids: [tripId],
    });
  const vehicle =
    end === 'open'
      ? []
      : [
          makeVehicleEvent({
            device_id: deviceId,
            provider_id: providerId,
            timestamp: requestedMs - 1_000,
            location,
          }),
          vehicleEvent('reserved', 'reservation_start', requestedMs + 10_000),
        ];
  if (end === 'completed') {
    vehicle.push(
      vehicleEvent('on_trip', 'trip_start', pickUpMs),
      vehicleEvent('stopped', 'trip_stop', pickUpMs + rideMs - 1_000),
      vehicleEvent('available', 'trip_end', pickUpMs + rideMs),
    );
  } else if (end !== 'open') {
    const type = end === 'rider' ? 'passenger_cancellation' : 'driver_cancellation';
    vehicle.push(vehicleEvent('available', type, pickUpMs));
  }
  const trip = makeTrip({
    trip_id: tripId,
    device_id: deviceId,
    provider_id: providerId,
    start_time: pickUpMs,
    end_time: pickUpMs + rideMs,
    duration: rideMs / 1_000,
    actual_cost: costCents,
    currency: 'EUR',
  });
  const points = positionsOf(ride).map((timestamp) =>
    makeTelemetry({ device_id: deviceId, provider_id: providerId, timestamp, location }),
  );
  const recordOf = (value: { device_id?: string; trip_id?: string }): TestRecord => ({
    key: value.trip_id ?? value.device_id!,
    value,
  });
  return {
    rider: rider.map(recordOf),
    vehicle: vehicle.map((value) => ({ key: deviceId, value })),
    trips: end === 'completed' ? [recordOf(trip)] : [],
    telemetry: points.map((value) => ({ key: deviceId, value })),
  };
}

/** When the vehicle of a ride sends its position: at the pick-up, and perhaps once more. */
export function positionsOf({ requestedMs, waitMs, rideMs, isHeardLater }: Ride): number[] {
  const pickUpMs = requestedMs + waitMs;
  return isHeardLater ? [pickUpMs, pickUpMs + rideMs + LAST_POSITION_MS] : [pickUpMs];
}

interface StatePeriod {
  readonly state: 'available' | 'reserved' | 'on_trip' | 'stopped';
  readonly from: number;
  readonly to: number;
}

/** The states of the vehicle of a ride. The last one ends two hours after its last event or position. */
export function statesOf(ride: Ride): StatePeriod[] {
  const { requestedMs, waitMs, rideMs, end } = ride;
  if (end === 'open') return [];
  const pickUpMs = requestedMs + waitMs;
  const changes: (readonly [StatePeriod['state'], number])[] = [
    ['available', requestedMs - 1_000],
    ['reserved', requestedMs + 10_000],
    ...(end === 'completed'
      ? ([
          ['on_trip', pickUpMs],
          ['stopped', pickUpMs + rideMs - 1_000],
          ['available', pickUpMs + rideMs],
        ] as const)
      : ([['available', pickUpMs]] as const)),
  ];
  const heardMs = Math.max(changes.at(-1)![1], ...positionsOf(ride));
  return changes.map(([state, from], index) => ({
    state,
    from,
    to: Math.min(changes[index + 1]?.[1] ?? heardMs + 2 * HOUR_MS, newestMs()),
  }));
}

/** Nothing is known beyond the newest event or position. */
function newestMs(): number {
  return Math.max(
    ...rides.flatMap((ride) => [
      ...positionsOf(ride),
      ...(ride.end === 'completed' ? [ride.requestedMs + ride.waitMs + ride.rideMs] : []),
    ]),
  );
}

/** Seconds of some periods between two times. */
export function secondsOf(periods: readonly StatePeriod[], from: number, to: number): number {
  return periods.reduce(
    (sum, period) => sum + Math.max(0, Math.min(period.to, to) - Math.max(period.from, from)) / 1_000,
    0,
  );
}
