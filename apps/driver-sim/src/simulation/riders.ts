import type { Location } from '@hailstream/events';
import { offset } from '@hailstream/roads';
import { stableId } from './ids.js';
import { ratingOf, riderEvent, type Journey, type Ride } from './ride.js';
import { trueRide } from './true-ride.js';
import type { RideOutcomes, World } from './world.js';

/** Requests per second and vehicle: enough to occupy more than half of the vehicles. */
const REQUESTS_PER_VEHICLE_SECOND = 1 / 480;

/** Number of riders per vehicle. */
const RIDERS_PER_VEHICLE = 60;

const MIN_RIDE_METERS = 700;
const PATIENCE_MS = [120_000, 300_000] as const;
const CANCEL_CHANCE = 0.05;
const CANCEL_AFTER_MS = [10_000, 90_000] as const;
const RATES_AFTER_MS = [5_000, 90_000] as const;

/** Standard deviation of the riders' distance from the middle of the street. */
const KERB_METERS = 5;

interface LaterRating {
  readonly dueMs: number;
  readonly journey: Journey;
  readonly rating: number;
}

/** Simulates riders, who request rides, wait, cancel and rate. */
export class Riders implements RideOutcomes {
  private readonly world: World;
  private readonly seed: string;
  private readonly vehicleCount: number;
  /** Rides without a driver, longest wait first. Bounded, because riders cancel after a time. */
  readonly waiting: Ride[] = [];
  private ratings: LaterRating[] = [];
  private lastStepMs: number;

  constructor(options: { world: World; seed: string; vehicleCount: number; startMs: number }) {
    this.world = options.world;
    this.seed = options.seed;
    this.vehicleCount = options.vehicleCount;
    this.lastStepMs = options.startMs;
  }

  step(nowMs: number): void {
    const elapsedSeconds = Math.min(1, (nowMs - this.lastStepMs) / 1_000);
    this.lastStepMs = nowMs;
    this.cancelWaiting((ride) => nowMs >= Math.min(ride.patientUntilMs, ride.cancelsMs), nowMs);
    const expected = this.vehicleCount * REQUESTS_PER_VEHICLE_SECOND * elapsedSeconds;
    for (let count = this.world.random.poisson(expected); count > 0; count -= 1) this.request(nowMs);
    this.rate(nowMs);
  }

  /** Cancels all waiting rides. */
  close(nowMs: number): void {
    this.cancelWaiting(() => true, nowMs);
  }

  cancelledByRider(ride: Ride, nowMs: number): void {
    this.emitCancel(ride, nowMs);
  }

  completed(journey: Journey, nowMs: number): void {
    const rating = ratingOf(journey, this.world.random);
    if (rating === undefined) return;
    this.ratings.push({ dueMs: nowMs + this.world.random.between(...RATES_AFTER_MS), journey, rating });
  }

  private request(nowMs: number): void {
    const { random, demand, ids, emit } = this.world;
    const from = demand.place(random);
    const to = demand.placeAtDistance(from, MIN_RIDE_METERS, random);
    const ride: Ride = {
      tripId: ids.next(nowMs),
      riderId: stableId(this.seed, 'rider', random.integer(1, this.vehicleCount * RIDERS_PER_VEHICLE)),
      from,
      to,
      location: this.atKerb(from),
      destination: this.atKerb(to),
      passengers: random.pick([1, 1, 1, 2, 2, 3, 4]),
      requestedMs: nowMs,
      patientUntilMs: nowMs + random.between(...PATIENCE_MS),
      cancelsMs: random.chance(CANCEL_CHANCE) ? nowMs + random.between(...CANCEL_AFTER_MS) : Infinity,
    };
    this.waiting.push(ride);
    emit('rider-events', { ...this.event(ride, 'ride_request', nowMs), destination: ride.destination });
  }

  private cancelWaiting(isDue: (ride: Ride) => boolean, nowMs: number): void {
    const cancelled = this.waiting.filter(isDue);
    if (cancelled.length === 0) return;
    this.waiting.splice(0, this.waiting.length, ...this.waiting.filter((ride) => !isDue(ride)));
    const { providerId, onRideEnded } = this.world;
    for (const ride of cancelled) {
      this.emitCancel(ride, nowMs);
      onRideEnded(trueRide(ride, { providerId, ending: { kind: 'cancelled', atMs: nowMs, by: 'rider' } }));
    }
  }

  private rate(nowMs: number): void {
    const due = this.ratings.filter(({ dueMs }) => nowMs >= dueMs);
    if (due.length === 0) return;
    this.ratings = this.ratings.filter(({ dueMs }) => nowMs < dueMs);
    for (const { journey, rating } of due) {
      const event = this.event(journey.ride, 'ride_rating', nowMs);
      this.world.emit('rider-events', { ...event, location: journey.ride.destination, rating });
    }
  }

  private emitCancel(ride: Ride, nowMs: number): void {
    this.world.emit('rider-events', this.event(ride, 'ride_cancel', nowMs));
  }

  private event(ride: Ride, event_type: 'ride_request' | 'ride_cancel' | 'ride_rating', timestampMs: number) {
    const { ids, providerId } = this.world;
    return riderEvent(ride, {
      id: ids.next(timestampMs),
      providerId,
      timestampMs,
      event_type,
      location: ride.location,
    });
  }

  private atKerb(node: number): Location {
    const { random, graph } = this.world;
    const kerb = offset(graph.nodes[node]!, {
      north: random.normal(KERB_METERS),
      east: random.normal(KERB_METERS),
    });
    return { lat: Number(kerb.lat.toFixed(6)), lng: Number(kerb.lng.toFixed(6)) };
  }
}
