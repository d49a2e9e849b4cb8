import { flatDistance, type Position } from '@hailstream/roads';
import type { Ride } from './ride.js';
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
    if (!waiting.some((ride) => isDue(ride, nowMs))) return;
    const free = new FreeVehicles(this.vehicles.filter((vehicle) => vehicle.isAvailable));
    const left = waiting.filter((ride) => {
      if (free.count === 0 || !isDue(ride, nowMs)) return true;
      const vehicle = firstToArrive(free.nearest(ride.location), ride);
      if (vehicle === undefined) return true;
      free.remove(vehicle);
      vehicle.accept(ride, nowMs);
      return false;
    });
    waiting.splice(0, waiting.length, ...left);
  }
}

function isDue(ride: Ride, nowMs: number): boolean {
  return nowMs >= ride.requestedMs + MATCHING_MS;
}

function firstToArrive(candidates: readonly Vehicle[], ride: Ride): Vehicle | undefined {
  return candidates
    .map((vehicle) => ({ vehicle, ms: vehicle.routeTo(ride.from).ms }))
    .reduce<{ vehicle: Vehicle; ms: number } | undefined>(
      (best, candidate) => (best === undefined || candidate.ms < best.ms ? candidate : best),
      undefined,
    )?.vehicle;
}

/** The available cars of a step. Their positions are in arrays, because each ride is compared with all of them. */
class FreeVehicles {
  private readonly lats: Float64Array;
  private readonly lngs: Float64Array;
  private readonly removed = new Set<Vehicle>();

  constructor(private readonly vehicles: readonly Vehicle[]) {
    this.lats = Float64Array.from(vehicles, ({ position }) => position.lat);
    this.lngs = Float64Array.from(vehicles, ({ position }) => position.lng);
  }

  get count(): number {
    return this.vehicles.length - this.removed.size;
  }

  remove(vehicle: Vehicle): void {
    this.removed.add(vehicle);
  }

  /** Returns up to {@link CANDIDATES} cars within {@link MAX_DISTANCE_METERS}, nearest first. */
  nearest(to: Position): Vehicle[] {
    const distanceTo = flatDistance(to);
    const found: { vehicle: Vehicle; meters: number }[] = [];
    let maxMeters = MAX_DISTANCE_METERS;
    for (let index = 0; index < this.vehicles.length; index += 1) {
      const meters = distanceTo(this.lats[index]!, this.lngs[index]!);
      if (meters > maxMeters || this.removed.has(this.vehicles[index]!)) continue;
      const place = found.findIndex((other) => other.meters > meters);
      found.splice(place === -1 ? found.length : place, 0, { vehicle: this.vehicles[index]!, meters });
      if (found.length > CANDIDATES) found.pop();
      if (found.length === CANDIDATES) maxMeters = found.at(-1)!.meters;
    }
    return found.map(({ vehicle }) => vehicle);
  }
}
