import type { EventOf } from '@hailstream/events';
import { idOf, type FleetEvent } from './_fleet.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

let ids = 0x200_000;

/** A ride in Monaco: requested at `at`, picked up four minutes later, and eight minutes long. */
export interface Ride {
  readonly tripId: string;
  readonly deviceId: string;
  readonly providerId: string;
  readonly at: number;
  /** How much later than the vehicle the operator says that it ended; `null`: it reports nothing. */
  readonly reportedLateMs: number | null;
}

export function timesOf({ at }: Ride) {
  return {
    reservedAt: at + MINUTE_MS,
    arrivedAt: at + 3 * MINUTE_MS,
    startedAt: at + 4 * MINUTE_MS,
    endedAt: at + 12 * MINUTE_MS,
  };
}

/** In metres per second: slow at first. */
export function speedAt(ride: Ride, time: number): number {
  return time < timesOf(ride).startedAt ? 4 : 9;
}

/** Every event of a ride: of the rider, of the vehicle with a position every 5 s, and the operator's report. */
export function eventsOf(ride: Ride): FleetEvent[] {
  const { tripId, deviceId, providerId, at, reportedLateMs } = ride;
  const { reservedAt, arrivedAt, startedAt, endedAt } = timesOf(ride);
  const whose = { device_id: deviceId, provider_id: providerId };
  const placeAt = (time: number) => ({
    lat: 43.7285 + ((time - reservedAt) / (endedAt - reservedAt)) * 0.02,
    lng: 7.4145 + ((time - reservedAt) / (endedAt - reservedAt)) * 0.018,
  });
  const move = (
    time: number,
    vehicle_state: EventOf<'vehicle-events'>['vehicle_state'],
    event_types: EventOf<'vehicle-events'>['event_types'],
  ): FleetEvent => ({
    family: 'vehicle-events',
    event: {
      ...whose,
      event_id: idOf((ids += 1)),
      timestamp: time,
      vehicle_state,
      event_types,
      location: placeAt(time),
      trip_ids: [tripId],
    },
  });
  const points = Array.from(
    { length: (endedAt - reservedAt) / (5 * SECOND_MS) + 1 },
    (_, index): FleetEvent => {
      const time = reservedAt + index * 5 * SECOND_MS;
      const location = { ...placeAt(time), heading: 33, speed: speedAt(ride, time) };
      return {
        family: 'telemetry',
        event: { ...whose, telemetry_id: idOf((ids += 1)), timestamp: time, location },
      };
    },
  );
  const report: FleetEvent = {
    family: 'trips',
    event: {
      ...whose,
      trip_id: tripId,
      start_time: startedAt,
      end_time: endedAt + (reportedLateMs ?? 0),
      start_location: placeAt(startedAt),
      end_location: placeAt(endedAt),
      duration: (endedAt - startedAt + (reportedLateMs ?? 0)) / SECOND_MS,
      distance: 1_930,
      actual_cost: 1_450,
      currency: 'EUR',
    },
  };
  return [
    {
      family: 'rider-events',
      event: {
        event_id: idOf((ids += 1)),
        provider_id: providerId,
        rider_id: idOf((ids += 1)),
        trip_id: tripId,
        event_type: 'ride_request',
        timestamp: at,
        location: placeAt(startedAt),
        destination: placeAt(endedAt),
      },
    },
    move(reservedAt, 'reserved', ['reservation_start']),
    move(arrivedAt, 'stopped', ['reservation_stop']),
    move(startedAt, 'on_trip', ['trip_start']),
    move(endedAt, 'available', ['trip_stop', 'trip_end']),
    ...points,
    ...(reportedLateMs === null ? [] : [report]),
  ];
}
