import type { Location } from '@hailstream/events';
import type { Position, RoadEdge, Route } from '@hailstream/roads';
import { Drive, toTheRight } from './drive.js';
import { WAITING_SPEED } from './ride.js';
import type { World } from './world.js';

/** Ratio of the driver's estimate to the time at the speed limits. */
const ESTIMATE_FACTOR = 1.35;

/** Noise of the GPS receiver: a random walk with decay, per second. */
const NOISE_STEP_METERS = 0.35;
const NOISE_MEMORY = 0.9;
const LANE_OFFSET_METERS = 1.6;
const ACCURACY_METERS = 4;

/** A car on the roads: its position, its route, and the position that its receiver measures. */
export class Car {
  private readonly speedFactor: number;
  private readonly noise = { north: 0, east: 0 };
  private drive: Drive | undefined;
  private place: Position & { node: number; cameFrom: number | undefined; heading: number };

  constructor(
    private readonly world: World,
    node: number,
  ) {
    this.speedFactor = world.random.between(0.85, 1.1);
    const { lat, lng, edges } = world.graph.nodes[node]!;
    this.place = { lat, lng, node, cameFrom: undefined, heading: edges[0]?.heading ?? 0 };
  }

  get position(): Position {
    return this.place;
  }

  get isMoving(): boolean {
    return this.drive?.isDone === false;
  }

  /** The node where the car stands, or the end of the edge that it is on. */
  get nextNode(): number {
    return this.drive?.onEdge?.edge.to ?? this.place.node;
  }

  /** Route from {@link nextNode} to a node, and the driver's estimate of its duration. */
  routeTo(node: number): { route: Route; ms: number } {
    const cameFrom = this.drive?.onEdge?.edge.from ?? this.place.cameFrom;
    const route = this.world.router.route(this.nextNode, node, cameFrom);
    return { route, ms: route.seconds * ESTIMATE_FACTOR * 1_000 };
  }

  /** Drives along edges that start at {@link nextNode}; the speed at their end is `endSpeed`. */
  driveAlong(edges: readonly RoadEdge[], endSpeed: number): void {
    const on = this.isMoving ? this.drive?.onEdge : undefined;
    this.drive = new Drive({
      graph: this.world.graph,
      edges: on === undefined ? edges : [on.edge, ...edges],
      startMeters: on?.meters ?? 0,
      startSpeed: this.drive?.speed ?? 0,
      endSpeed,
      speedFactor: this.speedFactor,
    });
  }

  park(): void {
    this.drive = undefined;
  }

  /** Moves for a time. Returns the metres driven, and whether the time counts as waiting time of a trip. */
  move(elapsedMs: number): { meters: number; isWaiting: boolean } {
    const drive = this.drive;
    if (drive === undefined || drive.isDone) return { meters: 0, isWaiting: true };
    const before = drive.metersDriven;
    drive.advance(elapsedMs / 1_000);
    const { edge } = drive.onEdge!;
    const noise = this.noise;
    for (const axis of ['north', 'east'] as const) {
      noise[axis] = noise[axis] * NOISE_MEMORY + this.world.random.normal(NOISE_STEP_METERS);
    }
    this.place = { ...drive.position!, node: edge.to, cameFrom: edge.from, heading: edge.heading };
    return { meters: drive.metersDriven - before, isWaiting: drive.speed < WAITING_SPEED };
  }

  /** The position that the receiver measures: in the lane, with noise. */
  location(): Location {
    const { lat, lng, heading } = this.place;
    const inLane = toTheRight({ lat, lng }, heading, LANE_OFFSET_METERS, this.noise);
    return {
      lat: Number(inLane.lat.toFixed(6)),
      lng: Number(inLane.lng.toFixed(6)),
      heading: Math.round(heading) % 360,
      speed: this.isMoving ? Math.round(this.drive!.speed * 10) / 10 : 0,
      horizontal_accuracy: ACCURACY_METERS,
    };
  }
}
