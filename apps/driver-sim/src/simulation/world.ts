import type { Emit } from '../outbox/outgoing.js';
import type { RoadGraph } from '../roads/road-graph.js';
import type { Router } from '../roads/router.js';
import type { Demand } from './demand.js';
import type { EventIds } from './ids.js';
import type { Journey, Ride } from './ride.js';
import type { Random } from './random.js';

/** What everybody in a simulated city shares. */
export interface World {
  readonly graph: RoadGraph;
  readonly router: Router;
  readonly demand: Demand;
  readonly random: Random;
  readonly ids: EventIds;
  readonly providerId: string;
  readonly emit: Emit;
}

/** What becomes of rides, said by the vehicles to those who look after the riders. */
export interface RideOutcomes {
  cancelledByRider(ride: Ride, nowMs: number): void;
  completed(journey: Journey, nowMs: number): void;
}
