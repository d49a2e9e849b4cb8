import type { Emit } from '../outbox/outgoing.js';
import type { RoadGraph } from '../roads/road-graph.js';
import { Router } from '../roads/router.js';
import { Demand } from './demand.js';
import { Dispatcher } from './dispatcher.js';
import { EventIds, lastingId } from './ids.js';
import { Random } from './random.js';
import { Riders } from './riders.js';
import { Vehicle } from './vehicle.js';
import type { World } from './world.js';

/** Length of a step. */
export const STEP_MS = 100;

/** Steps in which every vehicle has had its turn once: a second, so that the devices don't all speak at once. */
const TURNS = 1_000 / STEP_MS;

export interface SimulatedCityOptions {
  readonly graph: RoadGraph;
  readonly vehicles: number;
  readonly seed: string;
  readonly providerId: string;
  readonly startMs: number;
  readonly emit: Emit;
}

/**
 * Drivers and riders of a city. It knows no clock and no chance but its own: the same seed, start and steps give the same
 * events. The devices are the same for the same seed; what happens is not, from one start to another.
 */
export class SimulatedCity {
  private readonly vehicles: readonly Vehicle[];
  private readonly riders: Riders;
  private readonly dispatcher: Dispatcher;
  private steps = 0;

  constructor(options: SimulatedCityOptions) {
    const { graph, seed, providerId, emit } = options;
    // Start and provider are part of the seed, so that no two runs make the same ids.
    const random = new Random(`${seed}:${providerId}:${options.startMs}`);
    const world: World = {
      graph,
      router: new Router(graph),
      demand: new Demand(graph, new Random(seed)),
      random,
      ids: new EventIds(random),
      providerId,
      emit,
    };
    this.riders = new Riders({ world, seed, vehicleCount: options.vehicles, startMs: options.startMs });
    this.vehicles = Array.from({ length: options.vehicles }, (_none, number) => {
      return new Vehicle({
        deviceId: lastingId(providerId, seed, 'device', number),
        driverId: lastingId(providerId, seed, 'driver', number),
        node: random.integer(0, graph.nodes.length - 1),
        world,
        outcomes: this.riders,
      });
    });
    this.dispatcher = new Dispatcher(this.vehicles);
  }

  /** Lets the city go on until a time: to be called every {@link STEP_MS} of it. */
  step(nowMs: number): void {
    const turn = this.steps % TURNS;
    this.steps += 1;
    if (turn === 0) {
      this.riders.step(nowMs);
      this.dispatcher.step(this.riders.waiting, nowMs);
    }
    for (let index = turn; index < this.vehicles.length; index += TURNS) this.vehicles[index]!.step(nowMs);
  }

  /** Ends the day: no trip stays open, no rider waits, every vehicle is out of service. */
  close(nowMs: number): void {
    for (const vehicle of this.vehicles) vehicle.close(nowMs);
    this.riders.close(nowMs);
  }
}
