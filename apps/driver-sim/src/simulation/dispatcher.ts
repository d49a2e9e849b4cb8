import { crowMeters, type Ride } from './ride.js';
import type { Vehicle } from './vehicle.js';

/** Time in which a driver is looked for before the first is asked. */
const MATCHING_MS = 2_000;

/** Cars nearest as the crow flies whose ways along the streets are compared. */
const CANDIDATES = 4;

/** Farther away nobody is asked to come. */
const MAX_CROW_METERS = 5_000;

/** Brings riders and free drivers together: who waits longest first, and each gets whoever is there soonest. */
export class Dispatcher {
  private readonly vehicles: readonly Vehicle[];

  constructor(vehicles: readonly Vehicle[]) {
    this.vehicles = vehicles;
  }

  /** Takes those rides off the list that found a driver. */
  step(waiting: Ride[], nowMs: number): void {
    const free = new Set(this.vehicles.filter((vehicle) => vehicle.isFree));
    const left = waiting.filter((ride) => {
      if (free.size === 0 || nowMs < ride.requestedMs + MATCHING_MS) return true;
      const vehicle = soonest(free, ride);
      if (vehicle === undefined) return true;
      free.delete(vehicle);
      vehicle.accept(ride, nowMs);
      return false;
    });
    waiting.splice(0, waiting.length, ...left);
  }
}

function soonest(free: ReadonlySet<Vehicle>, ride: Ride): Vehicle | undefined {
  return [...free]
    .map((vehicle) => ({ vehicle, meters: crowMeters(vehicle.position, ride) }))
    .filter(({ meters }) => meters <= MAX_CROW_METERS)
    .sort((a, b) => a.meters - b.meters)
    .slice(0, CANDIDATES)
    .map(({ vehicle }) => ({ vehicle, ms: vehicle.wayTo(ride.from).ms }))
    .reduce<{ vehicle: Vehicle; ms: number } | undefined>(
      (best, candidate) => (best === undefined || candidate.ms < best.ms ? candidate : best),
      undefined,
    )?.vehicle;
}
