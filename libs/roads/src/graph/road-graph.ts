import { metersBetween } from '@hailstream/events';
import type { CityFile, Road } from '@hailstream/events/city-file';
import { headingDegrees, type Position } from '../geo/geo.js';
import { largestComponent } from './strong-components.js';
import { speedLimit } from './speed-limit.js';

/**
 * Streets as a directed graph: one node per coordinate, one edge per straight segment and permitted direction. Every node is
 * reachable from every other node.
 */
export interface RoadGraph {
  readonly nodes: readonly RoadNode[];
  /** Number of coordinates that were omitted because they are not connected to the nodes in both directions. */
  readonly unreachable: number;
  /** Speed of the fastest edge, in metres per second. */
  readonly maxSpeed: number;
}

interface RoadNode extends Position {
  readonly index: number;
  readonly edges: readonly RoadEdge[];
  /** Whether more than two nodes are adjacent. */
  readonly isJunction: boolean;
}

export interface RoadEdge {
  /** Indexes of nodes. */
  readonly from: number;
  readonly to: number;
  /** Length on the WGS 84 ellipsoid. */
  readonly meters: number;
  /** Speed limit in metres per second. */
  readonly speed: number;
  /** Degrees clockwise from north. */
  readonly heading: number;
}

/** Builds the graph of a city's streets: the largest strongly connected part. */
export function buildRoadGraph(city: CityFile): RoadGraph {
  const positions: Position[] = [];
  const links: Link[] = [];
  const indexes = new Map<string, number>();
  const indexOf = ([degrees, lat]: Road['geometry']['coordinates'][number]): number => {
    // Roads that cross the antimeridian are split there: 180° and -180° are the same place.
    const lng = degrees === -180 ? 180 : degrees;
    const key = `${lng},${lat}`;
    const known = indexes.get(key);
    if (known !== undefined) return known;
    indexes.set(key, positions.length);
    return positions.push({ lat, lng }) - 1;
  };
  for (const road of city.features) addLinks(links, road.geometry.coordinates.map(indexOf), road.properties);
  return assemble(positions, links, largestComponent(positions.length, links));
}

interface Link {
  readonly from: number;
  readonly to: number;
  readonly speed: number;
}

function addLinks(links: Link[], path: readonly number[], properties: Road['properties']): void {
  const speed = speedLimit(properties);
  for (const [place, to] of path.entries()) {
    const from = path[place - 1];
    if (from === undefined || from === to) continue;
    if (properties.oneway !== '-1') links.push({ from, to, speed });
    if (properties.oneway !== 'yes') links.push({ from: to, to: from, speed });
  }
}

/** Builds a graph of the selected positions. */
function assemble(
  positions: readonly Position[],
  links: readonly Link[],
  isSelected: readonly boolean[],
): RoadGraph {
  const newIndex = new Map<number, number>();
  for (const index of positions.keys()) if (isSelected[index]) newIndex.set(index, newIndex.size);
  const edgesOf = new Map<number, RoadEdge[]>();
  const neighbours = new Map<number, Set<number>>();
  let maxSpeed = 0;
  for (const { from: oldFrom, to: oldTo, speed } of links) {
    const from = newIndex.get(oldFrom);
    const to = newIndex.get(oldTo);
    if (from === undefined || to === undefined) continue;
    const [start, end] = [positions[oldFrom]!, positions[oldTo]!];
    const edge = { from, to, speed, meters: metersBetween(start, end), heading: headingDegrees(start, end) };
    getOrCreate(edgesOf, from, () => []).push(edge);
    getOrCreate(neighbours, from, () => new Set<number>()).add(to);
    getOrCreate(neighbours, to, () => new Set<number>()).add(from);
    maxSpeed = Math.max(maxSpeed, speed);
  }
  const nodes = [...newIndex].map(([oldIndex, index]) => ({
    ...positions[oldIndex]!,
    index,
    edges: edgesOf.get(index) ?? [],
    isJunction: (neighbours.get(index)?.size ?? 0) > 2,
  }));
  return { nodes, maxSpeed, unreachable: positions.length - nodes.length };
}

function getOrCreate<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}
