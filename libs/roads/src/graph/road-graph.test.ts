import { describe, expect, it } from 'vitest';
import type { CityFile, Road } from '@hailstream/events/city-file';
import { buildRoadGraph, type RoadGraph } from './road-graph.js';
import { Router } from './router.js';

/** Degrees of a kilometre at the equator, about. */
const KILOMETER = 1 / 111.195;

type Point = [x: number, y: number];

/** A city of roads, whose points are kilometres east and north of 0, 0. */
function graphOf(...roads: { points: Point[]; properties?: Partial<Road['properties']> }[]): RoadGraph {
  const features = roads.map(({ points, properties }): Road => ({
    type: 'Feature',
    properties: { highway: 'residential', ...properties },
    geometry: { type: 'LineString', coordinates: points.map(([x, y]) => [x * KILOMETER, y * KILOMETER]) },
  }));
  const city: CityFile = {
    type: 'FeatureCollection',
    name: 'Test',
    bbox: [0, 0, 1, 1],
    attribution: '',
    features,
  };
  return buildRoadGraph(city);
}

function nodeAt(graph: RoadGraph, [x, y]: Point): number {
  return graph.nodes.find(({ lat, lng }) => lat === y * KILOMETER && lng === x * KILOMETER)!.index;
}

function way(graph: RoadGraph, from: Point, to: Point, cameFrom?: Point): Point[] {
  const route = new Router(graph).route(
    nodeAt(graph, from),
    nodeAt(graph, to),
    cameFrom && nodeAt(graph, cameFrom),
  );
  return route.edges.map(({ to: index }) => {
    const node = graph.nodes[index]!;
    return [Math.round(node.lng / KILOMETER), Math.round(node.lat / KILOMETER)];
  });
}

const square: Point[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
  [0, 0],
];

describe('buildRoadGraph', () => {
  it('connects roads that share a coordinate, in both directions', () => {
    const graph = graphOf(
      {
        points: [
          [0, 0],
          [1, 0],
        ],
      },
      {
        points: [
          [1, 0],
          [1, 1],
        ],
      },
    );
    expect(way(graph, [0, 0], [1, 1])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(way(graph, [1, 1], [0, 0])).toEqual([
      [1, 0],
      [0, 0],
    ]);
    const [edge] = graph.nodes[nodeAt(graph, [0, 0])]!.edges;
    expect(edge?.meters).toBeCloseTo(111_319.49 * KILOMETER, 1);
    expect(edge?.heading).toBeCloseTo(90);
  });

  it('measures edges on the WGS 84 ellipsoid', () => {
    const graph = graphOf(
      {
        points: [
          [0, 0],
          [0, 1],
        ],
      },
      {
        points: [
          [0, 0],
          [1, 0],
        ],
      },
    );
    const meters = graph.nodes[nodeAt(graph, [0, 0])]!.edges.map((edge) => edge.meters);
    // A degree of latitude and of longitude at the equator.
    expect(meters[0]).toBeCloseTo(110_574.28 * KILOMETER, 1);
    expect(meters[1]).toBeCloseTo(111_319.49 * KILOMETER, 1);
  });

  it('has one direction for one-way roads', () => {
    const clockwise = graphOf({ points: square, properties: { oneway: '-1' } });
    expect(way(clockwise, [0, 0], [1, 0])).toEqual([
      [0, 1],
      [1, 1],
      [1, 0],
    ]);
    const other = graphOf({ points: square, properties: { oneway: 'yes' } });
    expect(way(other, [0, 0], [1, 0])).toEqual([[1, 0]]);
  });

  it('omits nodes that are not connected in both directions', () => {
    const graph = graphOf(
      { points: square },
      {
        points: [
          [1, 0],
          [2, 0],
        ],
        properties: { oneway: 'yes' },
      },
      {
        points: [
          [0, 2],
          [0, 1],
        ],
        properties: { oneway: 'yes' },
      },
      {
        points: [
          [5, 5],
          [6, 5],
        ],
      },
    );
    expect(graph.nodes.length).toBe(4);
  });

  it('distinguishes junctions and bends', () => {
    const graph = graphOf(
      { points: square },
      {
        points: [
          [1, 1],
          [2, 1],
        ],
      },
    );
    expect(graph.nodes.filter(({ isJunction }) => isJunction).map(({ index }) => index)).toEqual([
      nodeAt(graph, [1, 1]),
    ]);
  });
});

describe(Router, () => {
  it('prefers a faster road to a shorter one', () => {
    const graph = graphOf(
      {
        points: [
          [0, 0],
          [4, 0],
        ],
        properties: { maxspeed: '20' },
      },
      {
        points: [
          [0, 0],
          [0, 1],
          [4, 1],
          [4, 0],
        ],
        properties: { maxspeed: '80' },
      },
    );
    expect(way(graph, [0, 0], [4, 0])).toEqual([
      [0, 1],
      [4, 1],
      [4, 0],
    ]);
  });

  it('makes U-turns only in dead ends', () => {
    const graph = graphOf(
      { points: square },
      {
        points: [
          [1, 0],
          [2, 0],
        ],
      },
    );
    expect(way(graph, [1, 0], [0, 0], [0, 0])).toEqual([
      [1, 1],
      [0, 1],
      [0, 0],
    ]);
    expect(way(graph, [2, 0], [1, 0], [1, 0])).toEqual([[1, 0]]);
  });

  it('finds the same durations as the Floyd–Warshall algorithm', () => {
    const grid: { points: Point[]; properties: { oneway?: string; maxspeed: string } }[] = [];
    for (let line = 0; line < 5; line += 1) {
      const steps = [0, 1, 2, 3, 4];
      const maxspeed = String(20 + ((line * 37) % 50));
      grid.push({ points: steps.map((x): Point => [x, line]), properties: { maxspeed } });
      const oneway = line % 2 === 0 ? 'yes' : '-1';
      grid.push({ points: steps.map((y): Point => [line, y]), properties: { maxspeed, oneway } });
    }
    const graph = graphOf(...grid);
    const router = new Router(graph);
    const shortest = allPairs(graph);
    for (const { index: from } of graph.nodes) {
      for (const { index: to } of graph.nodes) {
        expect(router.route(from, to).seconds).toBeCloseTo(shortest[from]![to]!);
      }
    }
  });
});

/** The Floyd–Warshall algorithm. */
function allPairs(graph: RoadGraph): number[][] {
  const seconds = graph.nodes.map(({ index: from }) =>
    graph.nodes.map(({ index: to }) => (from === to ? 0 : Infinity)),
  );
  for (const { edges } of graph.nodes) {
    for (const edge of edges) {
      seconds[edge.from]![edge.to] = Math.min(seconds[edge.from]![edge.to]!, edge.meters / edge.speed);
    }
  }
  for (const via of seconds.keys()) {
    for (const row of seconds) {
      for (const to of row.keys()) row[to] = Math.min(row[to]!, row[via]! + seconds[via]![to]!);
    }
  }
  return seconds;
}
