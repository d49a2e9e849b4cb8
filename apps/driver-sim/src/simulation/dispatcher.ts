import { straightLineMeters, type Ride } from './ride.js';
import type { Vehicle } from './vehicle.js';

/** Time from a request until a driver is assigned. */
const MATCHING_MS = 2_000;

/** Number of nearest cars by straight-line distance whose routes are compared. */
const CANDIDATES = 4;

/** Maximum straight-line distance from the car to the rider. */
const MAX_DISTANCE_METERS = 5_000;

/** Assigns available cars to rides: the longest-waiting ride first, and to each the car that arrives first. */
export class Dispatcher {
  private readonly vehicles: readonly Vehicle[];

  constructor(vehicles: readonly Vehicle[]) {
    this.vehicles = vehicles;
  }

  /** Removes the rides that were assigned from `waiting`. */
  step(waiting: Ride[], nowMs: number): void {
    const free = new Set(this.vehicles.filter((vehicle) => vehicle.isAvailable));
    const left = waiting.filter((ride) => {
      if (free.size === 0 || nowMs < ride.requestedMs + MATCHING_MS) return true;
      const vehicle = firstToArrive(free, ride);
      if (vehicle === undefined) return true;
      free.delete(vehicle);
      vehicle.accept(ride, nowMs);
      return false;
    });
    waiting.splice(0, waiting.length, ...left);
  }
}

function firstToArrive(free: ReadonlySet<Vehicle>, ride: Ride): Vehicle | undefined {
  return [...free]
    .map((vehicle) => ({ vehicle, meters: straightLineMeters(vehicle.position, ride) }))
    .filter(({ meters }) => meters <= MAX_DISTANCE_METERS)
    .sort((a, b) => a.meters - b.meters)
    .slice(0, CANDIDATES)
    .map(({ vehicle }) => ({ vehicle, ms: vehicle.routeTo(ride.from).ms }))
    .reduce<{ vehicle: Vehicle; ms: number } | undefined>(
      (best, candidate) => (best === undefined || candidate.ms < best.ms ? candidate : best),
      undefined,
    )?.vehicle;
}
