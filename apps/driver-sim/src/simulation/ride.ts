import type { Location, RiderEvent, Trip } from '@hailstream/events';
import type { Random } from './random.js';

/** Cents. */
const BASE_FARE = 400;
const FARE_PER_KILOMETER = 180;
const FARE_PER_MINUTE = 45;
const TAX_SHARE = 0.1;
const COMMISSION_SHARE = 0.22;
const CURRENCY = 'EUR';

const TIPPING_SHARE = 0.35;
const RATING_SHARE = 0.45;

/** Below this speed, time counts as waiting time. In metres per second: 12 mph. */
export const WAITING_SPEED = 5.36;

/** A ride of a rider, from the request to the rating. */
export interface Ride {
  readonly tripId: string;
  readonly riderId: string;
  /** Indexes of nodes. */
  readonly from: number;
  readonly to: number;
  readonly location: Location;
  readonly destination: Location;
  readonly passengers: number;
  readonly requestedMs: number;
  /** When the rider cancels if no driver was found. */
  readonly patientUntilMs: number;
  /** When the rider cancels although a driver was assigned; `Infinity` for most riders. */
  readonly cancelsMs: number;
}

/** A ride with an assigned driver. */
export interface Journey {
  readonly ride: Ride;
  readonly journeyId: string;
  readonly dispatchedMs: number;
  readonly pickupEstimatedMs: number;
  /** Time of the event that reports the assignment. */
  assignedMs: number;
  /** Driven from the assignment to the pick-up or a cancellation. */
  deadheadMeters: number;
  startedMs: number;
  startLocation: Location;
  meters: number;
  waitingMs: number;
}

/** Returns an event of a rider that concerns a ride. */
export function riderEvent(
  ride: Ride,
  event: { id: string; providerId: string; timestampMs: number } & Pick<
    RiderEvent,
    'event_type' | 'location'
  >,
): RiderEvent {
  return {
    event_id: event.id,
    provider_id: event.providerId,
    rider_id: ride.riderId,
    trip_id: ride.tripId,
    event_type: event.event_type,
    timestamp: event.timestampMs,
    location: event.location,
  };
}

/** Returns the trip that the operator reports after its end. */
export function tripReport(
  journey: Journey,
  end: {
    deviceId: string;
    driverId: string;
    shiftId: string;
    providerId: string;
    endMs: number;
    location: Location;
  },
  random: Random,
): Trip {
  const { ride } = journey;
  const durationMs = end.endMs - journey.startedMs;
  const meters = Math.round(journey.meters);
  const fare = Math.round((meters / 1_000) * FARE_PER_KILOMETER + (durationMs / 60_000) * FARE_PER_MINUTE);
  const taxes = Math.round((BASE_FARE + fare) * TAX_SHARE);
  const cost = BASE_FARE + fare + taxes;
  const tip = random.chance(TIPPING_SHARE) ? Math.ceil((cost * random.between(0.05, 0.2)) / 50) * 50 : 0;
  return {
    provider_id: end.providerId,
    device_id: end.deviceId,
    trip_id: ride.tripId,
    journey_id: journey.journeyId,
    journey_attributes: { shift_id: end.shiftId },
    trip_type: 'private',
    trip_attributes: {
      hail_type: 'app',
      passenger_count: ride.passengers,
      requested_time: ride.requestedMs,
      requested_trip_start_location: ride.location,
      quoted_trip_start_time: journey.pickupEstimatedMs,
      dispatch_time: journey.dispatchedMs,
      trip_wait_time: journey.waitingMs,
      trip_fare_time: Math.max(0, durationMs - journey.waitingMs),
      driver_id: end.driverId,
    },
    fare_attributes: {
      payment_type: random.pick(['mobile_app', 'mobile_app', 'credit_card', 'cash'] as const),
      fare_type: 'meter_fare',
      meter_fare_amount: fare,
      base_rate: BASE_FARE,
      taxes,
      tip,
      commission: Math.round(cost * COMMISSION_SHARE),
    },
    start_time: journey.startedMs,
    end_time: end.endMs,
    start_location: journey.startLocation,
    end_location: end.location,
    duration: Math.round(durationMs / 1_000),
    distance: meters,
    publication_time: end.endMs,
    standard_cost: cost,
    actual_cost: cost + tip,
    currency: CURRENCY,
  };
}

/** Returns a rating from 1 to 5, lower if the driver was late; `undefined` if the rider does not rate. */
export function ratingOf(journey: Journey, random: Random): number | undefined {
  if (!random.chance(RATING_SHARE)) return undefined;
  const lateMinutes = Math.max(0, journey.startedMs - journey.pickupEstimatedMs) / 60_000;
  return Math.max(1, Math.min(5, Math.round(5.2 - lateMinutes - Math.abs(random.normal(0.6)))));
}
