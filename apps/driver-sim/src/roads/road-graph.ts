import type { CityFile, Road } from '@hailstream/events/city-file';
import { distanceMeters, headingDegrees, type Position } from '../geo/geo.js';
import { largestComponent } from './strong-components.js';
import { speedLimit } from './speed-limit.js';

/**
 * Streets as a directed graph: a node per coordinate, an edge per straight piece and direction that may be driven. Every
 * node can be reached from every other one.
 */
export interface RoadGraph {
  readonly nodes: readonly RoadNode[];
  /** Coordinates left out because they can't be reached from the nodes, or left to them. */
  readonly unreachable: number;
  /** Of the fastest edge, in metres a second. */
  readonly maxSpeed: number;
}

export interface RoadNode extends Position {
  readonly index: number;
  readonly edges: readonly RoadEdge[];
  /** Whether more than one street leads on from here. */
  readonly isJunction: boolean;
}

export interface RoadEdge {
  /** Indexes of nodes. */
  readonly from: number;
  readonly to: number;
  readonly meters: number;
  /** Metres a second that may be driven. */
  readonly speed: number;
  /** Degrees clockwise from north. */
  readonly heading: number;
}

/** Makes the graph of a city's streets. Pieces that can't be reached from, or left to, the rest are left out. */
export function buildRoadGraph(city: CityFile): RoadGraph {
  const positions: Position[] = [];
  const links: Link[] = [];
  const indexes = new Map<string, number>();
  const indexOf = ([degrees, lat]: Road['geometry']['coordinates'][number]): number => {
    // Roads over the antimeridian are cut there: both sides are one place.
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

/** Keeps the nodes that are marked, and renumbers them. */
function assemble(
  positions: readonly Position[],
  links: readonly Link[],
  isKept: readonly boolean[],
): RoadGraph {
  const newIndex = new Map<number, number>();
  for (const index of positions.keys()) if (isKept[index]) newIndex.set(index, newIndex.size);
  const edgesOf = new Map<number, RoadEdge[]>();
  const neighbours = new Map<number, Set<number>>();
  let maxSpeed = 0;
  for (const { from: oldFrom, to: oldTo, speed } of links) {
    const from = newIndex.get(oldFrom);
    const to = newIndex.get(oldTo);
    if (from === undefined || to === undefined) continue;
    const [start, end] = [positions[oldFrom]!, positions[oldTo]!];
    const edge = { from, to, speed, meters: distanceMeters(start, end), heading: headingDegrees(start, end) };
    grouped(edgesOf, from, () => []).push(edge);
    grouped(neighbours, from, () => new Set<number>()).add(to);
    grouped(neighbours, to, () => new Set<number>()).add(from);
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

function grouped<Key, Value>(groups: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = groups.get(key);
  if (known !== undefined) return known;
  const made = make();
  groups.set(key, made);
  return made;
}
