import { between, offset, type Position, type RoadEdge, type RoadGraph } from '@hailstream/roads';

const ACCELERATION = 1.8;
const DECELERATION = 2.4;

/** Turns below this angle are curves and do not reduce the speed. */
const MIN_TURN_DEGREES = 15;
const WIDE_TURN_SPEED = 10;
const SHARP_TURN_SPEED = 3;
const JUNCTION_SPEED = 9;

/** Distance to the end of the route at which the drive is done. */
const ARRIVED_METERS = 0.5;

interface DriveOptions {
  readonly graph: RoadGraph;
  readonly edges: readonly RoadEdge[];
  /** Distance already driven on the first edge. */
  readonly startMeters: number;
  readonly startSpeed: number;
  /** Speed at the end of the route: 0 to stop there. */
  readonly endSpeed: number;
  /** Factor applied to speed limits. */
  readonly speedFactor: number;
}

/** A car on a route: it accelerates, and brakes for turns, junctions and the destination. */
export class Drive {
  private readonly graph: RoadGraph;
  private readonly edges: readonly RoadEdge[];
  private readonly speedFactor: number;
  /** Maximum speed at the end of each edge that allows braking in time for the following edges. */
  private readonly endSpeeds: Float64Array;
  private index = 0;
  private metersOnEdge: number;
  private currentSpeed: number;
  private drivenMeters = 0;

  constructor(options: DriveOptions) {
    this.graph = options.graph;
    this.edges = options.edges;
    this.speedFactor = options.speedFactor;
    this.metersOnEdge = options.startMeters;
    this.currentSpeed = options.startSpeed;
    this.endSpeeds = endSpeedsOf(options);
  }

  /** In metres per second. */
  get speed(): number {
    return this.currentSpeed;
  }

  get metersDriven(): number {
    return this.drivenMeters;
  }

  get heading(): number | undefined {
    return this.edge?.heading;
  }

  get isDone(): boolean {
    return this.edge === undefined;
  }

  /** The current edge and the distance along it; at the end of the route, the last edge. */
  get onEdge(): { edge: RoadEdge; meters: number } | undefined {
    const edge = this.edge ?? this.edges.at(-1);
    return edge && { edge, meters: this.edge === undefined ? edge.meters : this.metersOnEdge };
  }

  get position(): Position | undefined {
    const on = this.onEdge;
    if (on === undefined) return undefined;
    const [start, end] = [this.graph.nodes[on.edge.from]!, this.graph.nodes[on.edge.to]!];
    const share = on.edge.meters === 0 ? 1 : on.meters / on.edge.meters;
    return between(start, end, share);
  }

  advance(seconds: number): void {
    const edge = this.edge;
    if (edge === undefined) return;
    const before = this.currentSpeed;
    this.currentSpeed = Math.max(
      Math.min(before + ACCELERATION * seconds, this.allowedSpeed(edge)),
      before - 2 * DECELERATION * seconds,
      0.5,
    );
    this.move(((before + this.currentSpeed) / 2) * seconds);
  }

  private get edge(): RoadEdge | undefined {
    return this.edges[this.index];
  }

  private allowedSpeed(edge: RoadEdge): number {
    const metersLeft = Math.max(0, edge.meters - this.metersOnEdge);
    const braking = Math.sqrt(this.endSpeeds[this.index]! ** 2 + 2 * DECELERATION * metersLeft);
    return Math.min(edge.speed * this.speedFactor, braking);
  }

  private move(meters: number): void {
    this.metersOnEdge += meters;
    this.drivenMeters += meters;
    for (let edge = this.edge; edge !== undefined; edge = this.edge) {
      const isLast = this.index === this.edges.length - 1;
      if (this.metersOnEdge < edge.meters - (isLast ? ARRIVED_METERS : 0)) return;
      this.metersOnEdge -= edge.meters;
      this.index += 1;
    }
    // The car stops at the end of the route, wherever the step ends.
    this.drivenMeters -= this.metersOnEdge;
    this.currentSpeed = this.endSpeeds.at(-1) ?? 0;
  }
}

/** Computes, from the destination backwards, the maximum speed at the end of each edge. */
function endSpeedsOf({ graph, edges, endSpeed, speedFactor }: DriveOptions): Float64Array {
  const speeds = new Float64Array(edges.length);
  let next = endSpeed;
  for (let index = edges.length - 1; index >= 0; index -= 1) {
    const edge = edges[index]!;
    const following = edges[index + 1];
    speeds[index] =
      following === undefined ? next : Math.min(next, passingSpeed(graph, edge, following) * speedFactor);
    next = Math.sqrt(speeds[index]! ** 2 + 2 * DECELERATION * edge.meters);
  }
  return speeds;
}

/** Speed of a turn from one edge into the next. */
function passingSpeed(graph: RoadGraph, edge: RoadEdge, next: RoadEdge): number {
  const turn = Math.abs(((next.heading - edge.heading + 540) % 360) - 180);
  const throughNode = graph.nodes[edge.to]!.isJunction ? JUNCTION_SPEED : Infinity;
  if (turn < MIN_TURN_DEGREES) return Math.min(throughNode, next.speed);
  const sharpness = Math.min(1, (turn - MIN_TURN_DEGREES) / (90 - MIN_TURN_DEGREES));
  return Math.min(throughNode, WIDE_TURN_SPEED + (SHARP_TURN_SPEED - WIDE_TURN_SPEED) * sharpness);
}

/** Offsets a position to the right of the heading, plus noise. */
export function toTheRight(
  position: Position,
  heading: number,
  meters: number,
  noise: { readonly north: number; readonly east: number },
): Position {
  const radians = (heading * Math.PI) / 180;
  return offset(position, {
    north: noise.north - Math.sin(radians) * meters,
    east: noise.east + Math.cos(radians) * meters,
  });
}
