import type { Road } from '@hailstream/events/city-file';
import { between, offset, type Position } from './geo/geo.js';
import type { RoadEdge, RoadGraph } from './graph/road-graph.js';
import { Router } from './graph/router.js';
import type { MatchedTrace } from './matching/map-matcher.js';
import type { RoadNetwork } from './matching/road-network.js';
import type { TracePoint } from './matching/stays.js';

/** Drives on known routes, with the noise of GPS receivers, to measure map matching. */

const ACCELERATION = 2;
/** Share of junctions at which the vehicle stops, and for how long at most. */
const STOP_SHARE = 0.25;
const MAX_STOP_SECONDS = 40;

/** A drive: the positions of each second without noise, and what was driven. */
export interface KnownDrive {
  readonly points: readonly TracePoint[];
  /** Metres on each segment, in the direction that its key has. */
  readonly segments: ReadonlyMap<string, number>;
  readonly meters: number;
}

/** A generator of random numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Drives between random places until the given time has passed. */
export function randomDrive(
  graph: RoadGraph,
  { seconds, random }: { readonly seconds: number; readonly random: () => number },
): KnownDrive {
  const router = new Router(graph);
  const pick = (): number => Math.floor(random() * graph.nodes.length);
  const edges: RoadEdge[] = [];
  let at = pick();
  // Each route adds at least its edges; a city has routes of minutes.
  for (let planned = 0; planned < seconds;) {
    const to = pick();
    const route = router.route(at, to, edges.at(-1)?.from);
    edges.push(...route.edges);
    planned += route.seconds;
    at = to;
  }
  return drive(graph, edges, { seconds, random });
}

function drive(
  graph: RoadGraph,
  edges: readonly RoadEdge[],
  { seconds, random }: { readonly seconds: number; readonly random: () => number },
): KnownDrive {
  const points: TracePoint[] = [];
  const segments = new Map<string, number>();
  const stopsAfter = edges.map(({ to }) => graph.nodes[to]!.isJunction && random() < STOP_SHARE);
  let [edge, onEdge, speed, waiting, driven] = [0, 0, 0, 0, 0];
  for (let second = 0; second < seconds && edge < edges.length; second += 1) {
    const current = edges[edge]!;
    const [from, to] = [graph.nodes[current.from]!, graph.nodes[current.to]!];
    const share = current.meters === 0 ? 1 : onEdge / current.meters;
    points.push({ ...between(from, to, share), timestamp: second * 1_000 });
    if (second === seconds - 1) break;
    if (waiting > 0) {
      waiting -= 1;
      continue;
    }
    speed = Math.min(
      speed + ACCELERATION,
      current.speed * 0.8,
      brakingSpeed(edges, stopsAfter, edge, onEdge),
    );
    for (let rest = speed; rest > 0 && edge < edges.length;) {
      const { from, to, meters } = edges[edge]!;
      const step = Math.min(rest, meters - onEdge);
      const [start, end] = [graph.nodes[from]!, graph.nodes[to]!];
      addMeters(segments, segmentKey(start, end), step);
      driven += step;
      rest -= step;
      onEdge += step;
      if (onEdge < meters) break;
      const isStop = stopsAfter[edge];
      edge += 1;
      onEdge = 0;
      if (isStop !== true) continue;
      waiting = Math.floor(random() * MAX_STOP_SECONDS);
      speed = 0;
      break;
    }
  }
  return { points, segments, meters: driven };
}

/** The speed at which the vehicle can still stop at the next stop, within the next edges. */
function brakingSpeed(
  edges: readonly RoadEdge[],
  stopsAfter: readonly boolean[],
  edge: number,
  onEdge: number,
): number {
  let meters = -onEdge;
  for (let next = edge; next < Math.min(edges.length, edge + 10); next += 1) {
    meters += edges[next]!.meters;
    if (stopsAfter[next] === true) return Math.max(1, Math.sqrt(2 * ACCELERATION * meters));
  }
  return Infinity;
}

/**
 * Adds normally distributed noise to positions. `correlation` is that of the noise of two following seconds: 0 is white
 * noise, which is independent.
 */
export function withNoise(
  points: readonly TracePoint[],
  noise: { readonly meters: number; readonly correlation?: number; readonly random: () => number },
): TracePoint[] {
  const { meters, correlation = 0, random } = noise;
  const fresh = meters * Math.sqrt(1 - correlation ** 2);
  let [north, east] = [meters * normal(random), meters * normal(random)];
  return points.map((point) => {
    const noisy = { ...offset(point, { north, east }), timestamp: point.timestamp };
    north = correlation * north + fresh * normal(random);
    east = correlation * east + fresh * normal(random);
    return noisy;
  });
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Compares what was matched with what was driven, in metres: of each segment, in each direction. */
interface RouteComparison {
  readonly correct: number;
  readonly missed: number;
  readonly added: number;
}

export function compareRoutes(
  known: KnownDrive,
  network: RoadNetwork,
  matched: MatchedTrace,
): RouteComparison {
  const found = matchedSegments(network, matched);
  let correct = 0;
  for (const [key, meters] of known.segments) correct += Math.min(meters, found.get(key) ?? 0);
  const total = [...found.values()].reduce((sum, meters) => sum + meters, 0);
  return { correct, missed: known.meters - correct, added: total - correct };
}

function matchedSegments(network: RoadNetwork, { ways }: MatchedTrace): Map<string, number> {
  const { shapeStart, shapeMeters, shapeX, shapeY, plane } = network;
  const segments = new Map<string, number>();
  for (const { edge, fromMeters, toMeters } of ways.flatMap(({ parts }) => parts)) {
    for (let point = shapeStart[edge]!; point < shapeStart[edge + 1]! - 1; point += 1) {
      const from = Math.max(fromMeters, shapeMeters[point]!);
      const to = Math.min(toMeters, shapeMeters[point + 1]!);
      if (to <= from) continue;
      const [start, end] = [point, point + 1].map((each) => plane.position(shapeX[each]!, shapeY[each]!));
      addMeters(segments, segmentKey(start!, end!), to - from);
    }
  }
  return segments;
}

/** The key of a segment in one direction. Coordinates have at most seven decimals. */
function segmentKey(from: Position, to: Position): string {
  return [from.lng, from.lat, to.lng, to.lat].map((degrees) => degrees.toFixed(7)).join(',');
}

function addMeters(segments: Map<string, number>, key: string, meters: number): void {
  segments.set(key, (segments.get(key) ?? 0) + meters);
}

/** Metres in a degree of longitude and of latitude at the equator of WGS 84. */
export const EAST = 111_319.49;
export const NORTH = 110_574.28;

/** Metres east and north of 0, 0. */
export type Point = readonly [x: number, y: number];

/** Roads in metres, near 0, 0. */
export function roadsOf(...roads: { points: readonly Point[]; oneway?: string }[]): Road[] {
  return roads.map(({ points, oneway }) => ({
    type: 'Feature',
    properties: { highway: 'residential', ...(oneway !== undefined && { oneway }) },
    geometry: { type: 'LineString', coordinates: points.map(([x, y]) => [x / EAST, y / NORTH]) },
  }));
}

/** A trace of positions at equal intervals. */
export function traceOf(points: readonly Point[], everySeconds = 1): TracePoint[] {
  return points.map(([x, y], index) => ({
    lat: y / NORTH,
    lng: x / EAST,
    timestamp: index * everySeconds * 1_000,
  }));
}
