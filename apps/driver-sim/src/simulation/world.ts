import type { EventOf, FamilyName } from '@hailstream/events';
import type { RoadGraph, Router } from '@hailstream/roads';
import type { Demand } from './demand.js';
import type { EventIds } from './ids.js';
import type { Journey, Ride } from './ride.js';
import type { Random } from './random.js';
import type { TrueRide } from './true-ride.js';

/** Adds an event to those that are sent to ingest. */
export type Emit = <Name extends FamilyName>(family: Name, event: EventOf<Name>) => void;

/** Shared by all vehicles and riders of a simulated city. */
export interface World {
  readonly graph: RoadGraph;
  readonly router: Router;
  readonly demand: Demand;
  readonly random: Random;
  readonly ids: EventIds;
  readonly providerId: string;
  readonly emit: Emit;
  /** Receives each ride at its end, as it was and not as it is reported. */
  readonly onRideEnded: (ride: TrueRide) => void;
}

/** Receives the outcomes of rides from the vehicles. */
export interface RideOutcomes {
  cancelledByRider(ride: Ride, nowMs: number): void;
  completed(journey: Journey, nowMs: number): void;
}
