import { metersBetween } from '@hailstream/events';
import type { Road } from '@hailstream/events/city-file';
import type { Position } from '../geo/geo.js';
import { Plane } from '../geo/plane.js';

/**
 * Roads as a directed graph for map matching, in typed arrays. A vertex is a coordinate at which roads meet, end or bend; an
 * edge is the way from one vertex to the next in a permitted direction. All roads are part of it, also those that are not
 * connected in both directions.
 */
export interface RoadNetwork {
  readonly plane: Plane;
  readonly vertexCount: number;
  readonly edgeCount: number;
  /** Vertexes at the ends of each edge. */
  readonly edgeFrom: Int32Array;
  readonly edgeTo: Int32Array;
  /** Length of each edge on the WGS 84 ellipsoid. */
  readonly edgeMeters: Float64Array;
  /** The edge in the opposite direction; -1 for a one-way road. */
  readonly reverse: Int32Array;
  /** Index of the road of each edge in the list that the network was built from. */
  readonly road: Int32Array;
  /** The points of edge `e` are those from `shapeStart[e]` to before `shapeStart[e + 1]`. */
  readonly shapeStart: Int32Array;
  /** Points in the plane, and their distances from the start of their edge. */
  readonly shapeX: Float64Array;
  readonly shapeY: Float64Array;
  readonly shapeMeters: Float64Array;
  /** The edges that leave vertex `v` are those of `outEdges` from `outStart[v]` to before `outStart[v + 1]`. */
  readonly outStart: Int32Array;
  readonly outEdges: Int32Array;
}

interface Vertexes {
  /** Number of each coordinate, in the order of their first use. */
  readonly coordinateOf: ReadonlyMap<string, number>;
  readonly positions: readonly Position[];
  /** The vertex of each coordinate; -1 if it is only a bend. */
  readonly vertexOf: Int32Array;
  readonly count: number;
}

/** Builds the network of some roads. Roads that share a coordinate are connected there. */
export function buildRoadNetwork(roads: readonly Road[]): RoadNetwork {
  const vertexes = findVertexes(roads);
  const plane = new Plane(middleOf(vertexes.positions));
  const builder = new EdgeBuilder(vertexes, plane);
  for (const [index, road] of roads.entries()) builder.addRoad(index, road);
  return builder.finish();
}

function keyOf([lng, lat]: Road['geometry']['coordinates'][number]): string {
  // 180° and -180° are the same place.
  return `${lng === -180 ? 180 : lng},${lat}`;
}

/** Direction of a straight line from one position to another, in radians. */
function direction(from: Position, to: Position): number {
  const east = (to.lng - from.lng) * Math.cos((from.lat * Math.PI) / 180);
  return Math.atan2(to.lat - from.lat, east);
}

/**
 * Adds a vertex where a road has turned by more than a right angle since its last one. Of an edge, only the place that is
 * nearest to a point is considered: an edge with a hairpin bend would have two.
 */
function splitAtBends(
  path: readonly number[],
  vertexes: { positions: readonly Position[]; vertexOf: Int32Array; count: number },
): void {
  const { positions, vertexOf } = vertexes;
  let start: number | undefined;
  for (let place = 0; place < path.length - 1; place += 1) {
    const [index, next] = [path[place]!, path[place + 1]!];
    if (index === next) continue;
    const onward = direction(positions[index]!, positions[next]!);
    if (vertexOf[index] !== -1) start = undefined;
    start ??= onward;
    const turned = Math.abs(((((onward - start) % (2 * Math.PI)) + 3 * Math.PI) % (2 * Math.PI)) - Math.PI);
    if (turned <= Math.PI / 2) continue;
    vertexOf[index] = vertexes.count;
    vertexes.count += 1;
    start = onward;
  }
}

/** Vertexes are the ends of roads, the coordinates that occur more than once, and bends. */
function findVertexes(roads: readonly Road[]): Vertexes {
  const coordinateOf = new Map<string, number>();
  const positions: Position[] = [];
  const uses: number[] = [];
  for (const { geometry } of roads) {
    for (const [place, coordinate] of geometry.coordinates.entries()) {
      const key = keyOf(coordinate);
      let index = coordinateOf.get(key);
      if (index === undefined) {
        index = positions.push({ lng: coordinate[0], lat: coordinate[1] }) - 1;
        coordinateOf.set(key, index);
        uses.push(0);
      }
      const isEnd = place === 0 || place === geometry.coordinates.length - 1;
      uses[index] = uses[index]! + (isEnd ? 2 : 1);
    }
  }
  const vertexOf = new Int32Array(positions.length).fill(-1);
  let count = 0;
  for (const [index, times] of uses.entries()) if (times > 1) vertexOf[index] = count++;
  const vertexes = { coordinateOf, positions, vertexOf, count };
  for (const { geometry } of roads) {
    splitAtBends(
      geometry.coordinates.map((coordinate) => coordinateOf.get(keyOf(coordinate))!),
      vertexes,
    );
  }
  return vertexes;
}

function middleOf(positions: readonly Position[]): Position {
  const [first] = positions;
  if (first === undefined) return { lat: 0, lng: 0 };
  let [south, north] = [first.lat, first.lat];
  for (const { lat } of positions) {
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  }
  return { lat: (south + north) / 2, lng: first.lng };
}

class EdgeBuilder {
  private readonly edges: { from: number; to: number; road: number; reverse: number; meters: number }[] = [];
  private readonly shapeStart = [0];
  private readonly shapeX: number[] = [];
  private readonly shapeY: number[] = [];
  private readonly shapeMeters: number[] = [];

  constructor(
    private readonly vertexes: Vertexes,
    private readonly plane: Plane,
  ) {}

  addRoad(road: number, { geometry, properties }: Road): void {
    const { coordinateOf, vertexOf } = this.vertexes;
    let path: number[] = [];
    for (const coordinate of geometry.coordinates) {
      const index = coordinateOf.get(keyOf(coordinate))!;
      if (path.at(-1) === index) continue;
      path.push(index);
      if (vertexOf[index] === -1 || path.length < 2) continue;
      this.addEdges(road, path, properties.oneway);
      path = [index];
    }
  }

  finish(): RoadNetwork {
    const { edges, vertexes, plane } = this;
    const column = (value: (edge: (typeof edges)[number]) => number): Int32Array =>
      Int32Array.from(edges, value);
    const edgeFrom = column(({ from }) => from);
    return {
      plane,
      vertexCount: vertexes.count,
      edgeCount: edges.length,
      edgeFrom,
      edgeTo: column(({ to }) => to),
      edgeMeters: Float64Array.from(edges, ({ meters }) => meters),
      reverse: column(({ reverse }) => reverse),
      road: column((edge) => edge.road),
      shapeStart: Int32Array.from(this.shapeStart),
      shapeX: Float64Array.from(this.shapeX),
      shapeY: Float64Array.from(this.shapeY),
      shapeMeters: Float64Array.from(this.shapeMeters),
      ...outgoing(edgeFrom, vertexes.count),
    };
  }

  private addEdges(road: number, path: readonly number[], oneway: string | undefined): void {
    const first = this.edges.length;
    const isBoth = oneway !== 'yes' && oneway !== '-1';
    if (oneway !== '-1') this.addEdge(road, path, isBoth ? first + 1 : -1);
    if (oneway !== 'yes') this.addEdge(road, path.toReversed(), isBoth ? first : -1);
  }

  private addEdge(road: number, path: readonly number[], reverse: number): void {
    const { positions, vertexOf } = this.vertexes;
    let meters = 0;
    for (const [place, index] of path.entries()) {
      const position = positions[index]!;
      if (place > 0) meters += metersBetween(positions[path[place - 1]!]!, position);
      this.shapeX.push(this.plane.x(position.lng));
      this.shapeY.push(this.plane.y(position.lat));
      this.shapeMeters.push(meters);
    }
    this.shapeStart.push(this.shapeX.length);
    this.edges.push({ from: vertexOf[path[0]!]!, to: vertexOf[path.at(-1)!]!, road, reverse, meters });
  }
}

/** Groups edges by the vertex that they leave. */
function outgoing(edgeFrom: Int32Array, vertexCount: number): Pick<RoadNetwork, 'outStart' | 'outEdges'> {
  const outStart = new Int32Array(vertexCount + 1);
  for (const from of edgeFrom) outStart[from + 1] = outStart[from + 1]! + 1;
  for (let vertex = 0; vertex < vertexCount; vertex += 1) {
    outStart[vertex + 1] = outStart[vertex + 1]! + outStart[vertex]!;
  }
  const next = outStart.slice();
  const outEdges = new Int32Array(edgeFrom.length);
  for (const [edge, from] of edgeFrom.entries()) {
    outEdges[next[from]!] = edge;
    next[from] = next[from]! + 1;
  }
  return { outStart, outEdges };
}

/** Returns the course of an edge at a distance from its start, in degrees clockwise from north: -180 to 180. */
export function headingOnEdge(network: RoadNetwork, edge: number, meters: number): number {
  const { shapeX, shapeY } = network;
  const point = segmentAt(network, edge, meters);
  const [east, north] = [shapeX[point + 1]! - shapeX[point]!, shapeY[point + 1]! - shapeY[point]!];
  return (Math.atan2(east, north) * 180) / Math.PI;
}

/** The shape point at which the segment of an edge begins that has a place. */
function segmentAt({ shapeStart, shapeMeters }: RoadNetwork, edge: number, meters: number): number {
  const end = shapeStart[edge + 1]! - 1;
  let point = shapeStart[edge]!;
  while (point < end - 1 && shapeMeters[point + 1]! < meters) point += 1;
  return point;
}

/** Returns the position on an edge at a distance from its start. */
export function positionOnEdge(network: RoadNetwork, edge: number, meters: number): Position {
  const { shapeX, shapeY, shapeMeters, plane } = network;
  const point = segmentAt(network, edge, meters);
  const length = shapeMeters[point + 1]! - shapeMeters[point]!;
  const share = length === 0 ? 0 : Math.min(1, Math.max(0, (meters - shapeMeters[point]!) / length));
  return plane.position(
    shapeX[point]! + (shapeX[point + 1]! - shapeX[point]!) * share,
    shapeY[point]! + (shapeY[point + 1]! - shapeY[point]!) * share,
  );
}
