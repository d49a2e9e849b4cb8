import { type RoadGraph, Router } from '@hailstream/roads';
import { Demand } from './demand.js';
import { Dispatcher } from './dispatcher.js';
import { EventIds, stableId } from './ids.js';
import { Random } from './random.js';
import { Riders } from './riders.js';
import { Vehicle } from './vehicle.js';
import type { TrueRide } from './true-ride.js';
import type { Emit, World } from './world.js';

/** Length of a step. */
export const STEP_MS = 100;

/** Steps after which every vehicle was simulated once: one second. It spreads the events of the devices over the second. */
const TURNS = 1_000 / STEP_MS;

interface SimulatedCityOptions {
  readonly graph: RoadGraph;
  readonly vehicles: number;
  readonly seed: string;
  readonly providerId: string;
  readonly startMs: number;
  readonly emit: Emit;
  /** Receives each ride at its end, as it was. */
  readonly onRideEnded?: (ride: TrueRide) => void;
}

/**
 * Simulates drivers and riders of a city. Deterministic: the same seed, start and steps produce the same events. The same
 * seed with another start time has the same devices, but other events.
 */
export class SimulatedCity {
  private readonly vehicles: readonly Vehicle[];
  private readonly riders: Riders;
  private readonly dispatcher: Dispatcher;
  private steps = 0;

  constructor(options: SimulatedCityOptions) {
    const { graph, seed, providerId, emit, onRideEnded = () => {} } = options;
    // Start and provider are part of the seed, so that different runs create different ids.
    const random = new Random(`${seed}:${providerId}:${options.startMs}`);
    const world: World = {
      graph,
      router: new Router(graph),
      demand: new Demand(graph, new Random(seed)),
      random,
      ids: new EventIds(random),
      providerId,
      emit,
      onRideEnded,
    };
    this.riders = new Riders({ world, seed, vehicleCount: options.vehicles, startMs: options.startMs });
    this.vehicles = Array.from({ length: options.vehicles }, (_none, number) => {
      return new Vehicle({
        deviceId: stableId(providerId, seed, 'device', number),
        driverId: stableId(providerId, seed, 'driver', number),
        node: random.integer(0, graph.nodes.length - 1),
        world,
        outcomes: this.riders,
      });
    });
    this.dispatcher = new Dispatcher(this.vehicles);
  }

  get vehicleCount(): number {
    return this.vehicles.length;
  }

  /** Advances the simulation to `nowMs`. Called once per {@link STEP_MS} of simulated time. */
  step(nowMs: number): void {
    const turn = this.steps % TURNS;
    this.steps += 1;
    if (turn === 0) {
      this.riders.step(nowMs);
      this.dispatcher.step(this.riders.waiting, nowMs);
    }
    for (let index = turn; index < this.vehicles.length; index += TURNS) this.vehicles[index]!.step(nowMs);
  }

  /** Ends all trips, cancels all requests and puts every vehicle out of service. */
  close(nowMs: number): void {
    for (const vehicle of this.vehicles) vehicle.close(nowMs);
    this.riders.close(nowMs);
  }
}
