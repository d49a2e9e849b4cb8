import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Road } from '@hailstream/events/city-file';
import { EAST, NORTH, roadsOf, traceOf, type Point } from '../testing.js';
import { MapMatcher } from './map-matcher.js';
import { buildRoadNetwork, positionOnEdge, type RoadNetwork } from './road-network.js';

describe('the way that is matched', () => {
  it('is as likely as the best of all sequences of edges', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('yes', '-1', undefined), { minLength: 12, maxLength: 12 }),
        fc.array(fc.tuple(fc.integer({ min: -30, max: 230 }), fc.integer({ min: -30, max: 230 })), {
          minLength: 2,
          maxLength: 3,
        }),
        (oneways, points) => {
          const roads = gridOf(oneways);
          const network = buildRoadNetwork(roads);
          const options = { ...MODEL, stayMeters: 0, maxCandidates: 100, maxSpeed: 1_000 };
          const trace = traceOf(points, 10);
          const { ways, places, breaks } = new MapMatcher(network, options).match(trace);
          const best = bruteForce(network, points);
          if (best.score === -Infinity || breaks.length > 0 || places.includes(undefined)) {
            // A point without a way is left out, which brute force does not do.
            expect(best.score).toBe(-Infinity);
            return;
          }
          expect(ways).toHaveLength(1);
          const edges = places.map((place) => place!.edge);
          expect(best.scoreOf(edges)).toBeCloseTo(best.score, 2);
        },
      ),
      { numRuns: 100 },
    );
  });
});

const MODEL = {
  noiseMeters: 40,
  radiusMeters: 1_000,
  scaleMeters: 30,
  scaleMetersPerSecond: 0,
  turnPenalty: 5,
};

/** Twelve roads of about 100 m between nine crossings. No two ways have the same length. */
function gridOf(oneways: readonly (string | undefined)[]): Road[] {
  const roads: { points: Point[]; oneway?: string }[] = [];
  const crossing = (column: number, row: number): Point => [
    column * 100 + ((column * 7 + row * 13) % 11) * 2,
    row * 100 + ((column * 5 + row * 3) % 7) * 3,
  ];
  for (let line = 0; line < 3; line += 1) {
    for (let step = 0; step < 2; step += 1) {
      roads.push({ points: [crossing(step, line), crossing(step + 1, line)] });
      roads.push({ points: [crossing(line, step), crossing(line, step + 1)] });
    }
  }
  return roadsOf(
    ...roads.map((road, index) => {
      const oneway = oneways[index];
      return oneway === undefined ? road : { ...road, oneway };
    }),
  );
}

/**
 * The best of all sequences of edges: tries every edge for every point, with shortest paths of the Floyd–Warshall algorithm.
 * Only the edges' ends and lengths are taken from the network.
 */
function bruteForce(network: RoadNetwork, points: readonly Point[]) {
  const edges = Array.from({ length: network.edgeCount }, (_none, edge) => {
    const [start, end] = [0, network.edgeMeters[edge]!].map((meters): Point => {
      const { lat, lng } = positionOnEdge(network, edge, meters);
      return [lng * EAST, lat * NORTH];
    });
    return { from: network.edgeFrom[edge]!, to: network.edgeTo[edge]!, start: start!, end: end! };
  });
  const shortest = floydWarshall(network.vertexCount, edges);
  const project = (edge: number, [x, y]: Point): { meters: number; distance: number } => {
    const { start, end } = edges[edge]!;
    const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
    const [unitX, unitY] = [(end[0] - start[0]) / length, (end[1] - start[1]) / length];
    const meters = Math.min(length, Math.max(0, (x - start[0]) * unitX + (y - start[1]) * unitY));
    return { meters, distance: Math.hypot(start[0] + unitX * meters - x, start[1] + unitY * meters - y) };
  };
  const isOpposite = (one: number, other: number): boolean =>
    edges[one]!.from === edges[other]!.to && edges[one]!.to === edges[other]!.from;
  const leaves = (vertex: number): number[] =>
    [...edges.keys()].filter((edge) => edges[edge]!.from === vertex);
  const isDeadEnd = (edge: number): boolean => {
    const onward = leaves(edges[edge]!.to);
    return onward.length === 1 && isOpposite(edge, onward[0]!);
  };
  /** Logarithm of the probability of a way between two places. */
  const transition = (from: number, to: number, at: Point, next: Point): number => {
    const [one, other] = [project(from, at), project(to, next)];
    const straight = Math.hypot(next[0] - at[0], next[1] - at[1]);
    const scored = (meters: number, turns: number): number =>
      -Math.abs(meters - straight) / MODEL.scaleMeters - turns * MODEL.turnPenalty;
    if (from === to && other.meters >= one.meters - 4 * MODEL.noiseMeters) {
      return scored(Math.max(0, other.meters - one.meters), 0);
    }
    const rest =
      Math.hypot(edges[from]!.end[0] - edges[from]!.start[0], edges[from]!.end[1] - edges[from]!.start[1]) -
      one.meters;
    if (isOpposite(from, to)) {
      const isAtEnd = isDeadEnd(from) && Math.min(rest, other.meters) <= 6 * MODEL.noiseMeters;
      return scored(Math.abs(rest - other.meters), isAtEnd ? 0.25 : 1);
    }
    const way = shortest(edges[from]!.to, edges[to]!.from);
    if (way === undefined) return -Infinity;
    const path = [from, ...way.edges, to];
    const turns = [
      [path[0]!, path[1]!],
      [path.at(-2)!, path.at(-1)!],
    ].slice(0, path.length > 2 ? 2 : 1);
    const counted = turns.filter(([edge, onto]) => isOpposite(edge!, onto!) && !isDeadEnd(edge!)).length;
    return scored(rest + way.meters + other.meters, counted);
  };
  const scoreOf = (sequence: readonly number[]): number => {
    let score = 0;
    for (const [index, edge] of sequence.entries()) {
      score += -0.5 * (project(edge, points[index]!).distance / MODEL.noiseMeters) ** 2;
      if (index > 0) score += transition(sequence[index - 1]!, edge, points[index - 1]!, points[index]!);
    }
    return score;
  };
  const all = [...edges.keys()];
  let sequences = all.map((edge) => [edge]);
  for (let length = 1; length < points.length; length += 1) {
    sequences = sequences.flatMap((sequence) => all.map((edge) => [...sequence, edge]));
  }
  return { score: sequences.reduce((best, each) => Math.max(best, scoreOf(each)), -Infinity), scoreOf };
}

function floydWarshall(
  vertexCount: number,
  edges: readonly { from: number; to: number; start: Point; end: Point }[],
) {
  const ways = new Map<string, { meters: number; edges: number[] }>();
  const key = (from: number, to: number): string => `${from}-${to}`;
  for (let vertex = 0; vertex < vertexCount; vertex += 1)
    ways.set(key(vertex, vertex), { meters: 0, edges: [] });
  for (const [edge, { from, to, start, end }] of edges.entries()) {
    const meters = Math.hypot(end[0] - start[0], end[1] - start[1]);
    const known = ways.get(key(from, to));
    if (known === undefined || meters < known.meters) ways.set(key(from, to), { meters, edges: [edge] });
  }
  for (let via = 0; via < vertexCount; via += 1) {
    for (let from = 0; from < vertexCount; from += 1) {
      for (let to = 0; to < vertexCount; to += 1) {
        const [first, second] = [ways.get(key(from, via)), ways.get(key(via, to))];
        if (first === undefined || second === undefined) continue;
        const meters = first.meters + second.meters;
        const known = ways.get(key(from, to));
        if (known === undefined || meters < known.meters - 1e-6) {
          ways.set(key(from, to), { meters, edges: [...first.edges, ...second.edges] });
        }
      }
    }
  }
  return (from: number, to: number) => ways.get(key(from, to));
}
