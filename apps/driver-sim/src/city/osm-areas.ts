import type { MapArea } from '@hailstream/events/city-file';
import { roundDegrees, type Coordinate } from './antimeridian.js';
import type { Tags } from './osm-tags.js';

type AreaKind = MapArea['properties']['kind'];

const PARKS: ReadonlySet<string> = new Set(['park', 'garden', 'golf_course', 'nature_reserve', 'pitch']);
const GREENS: ReadonlySet<string> = new Set([
  'grass',
  'forest',
  'meadow',
  'recreation_ground',
  'village_green',
  'cemetery',
]);
const WOODS: ReadonlySet<string> = new Set(['wood', 'scrub', 'grassland', 'heath']);

/** The kind of area that is drawn for an element; `undefined` for other elements. */
export function areaKindOf(tags: Tags): AreaKind | undefined {
  const [natural, building] = [tags.get('natural') ?? '', tags.get('building') ?? 'no'];
  if (natural === 'water' || tags.get('waterway') === 'riverbank' || tags.get('landuse') === 'reservoir')
    return 'water';
  if (building !== 'no') return 'building';
  const isGreen =
    PARKS.has(tags.get('leisure') ?? '') || GREENS.has(tags.get('landuse') ?? '') || WOODS.has(natural);
  return isGreen ? 'park' : undefined;
}

/** Joins lines that share an end into longer lines, as the ways of a relation or of a coast. */
export function joinLines(lines: readonly (readonly Coordinate[])[], canReverse: boolean): Coordinate[][] {
  const joined: Coordinate[][] = [];
  const open = lines.filter((line) => line.length > 1).map((line) => [...line]);
  const startOf = (line: readonly Coordinate[]) => line[0]!.join();
  const endOf = (line: readonly Coordinate[]) => line.at(-1)!.join();
  while (open.length > 0) {
    const line = open.pop()!;
    for (let hasGrown = true; hasGrown && startOf(line) !== endOf(line);) {
      hasGrown = false;
      for (const [index, other] of open.entries()) {
        if (canReverse && (endOf(other) === endOf(line) || startOf(other) === startOf(line))) other.reverse();
        if (startOf(other) === endOf(line)) line.push(...other.slice(1));
        else if (endOf(other) === startOf(line)) line.unshift(...other.slice(0, -1));
        else continue;
        open.splice(index, 1);
        hasGrown = true;
        break;
      }
    }
    joined.push(line);
  }
  return joined;
}

/** Returns whether a line is a ring: its last point equals its first point, and it encloses an area. */
export function isRing(line: readonly Coordinate[]): boolean {
  return line.length > 3 && line[0]!.join() === line.at(-1)!.join();
}

/** Twice the area in square degrees, positive if the ring is counter-clockwise. */
function signedArea(ring: readonly Coordinate[]): number {
  return ring.reduce((sum, [lng, lat], index) => {
    const [nextLng, nextLat] = ring[(index + 1) % ring.length]!;
    return sum + lng * nextLat - nextLng * lat;
  }, 0);
}

function contains(ring: readonly Coordinate[], [lng, lat]: Coordinate): boolean {
  let isInside = false;
  for (const [index, [toLng, toLat]] of ring.entries()) {
    const [fromLng, fromLat] = ring.at(index - 1)!;
    if (fromLat > lat === toLat > lat) continue;
    if (lng < fromLng + ((toLng - fromLng) * (lat - fromLat)) / (toLat - fromLat)) isInside = !isInside;
  }
  return isInside;
}

/** Polygons of outer rings with the inner rings that are in them. Outer rings become counter-clockwise, as in RFC 7946. */
export function toPolygons(outer: readonly Coordinate[][], inner: readonly Coordinate[][]): Coordinate[][][] {
  return outer.map((ring) => [
    signedArea(ring) < 0 ? ring.toReversed() : ring,
    ...inner
      .filter((hole) => contains(ring, hole[0]!))
      .map((hole) => (signedArea(hole) > 0 ? hole.toReversed() : hole)),
  ]);
}

type Box = readonly [west: number, south: number, east: number, north: number];

/**
 * Polygons of the sea in a box, from the lines of the coast in it: land is on their left, water on their right. Lines that end
 * in the box continue to its edge as they ran before. Each polygon follows a line to the edge, then the edge clockwise to the
 * start of the next line. Returns none without a coast, because it is unknown then which side the box is on.
 *
 * @see https://wiki.openstreetmap.org/wiki/Tag:natural=coastline
 */
export function seaPolygons(coast: readonly (readonly Coordinate[])[], box: Box): Coordinate[][][] {
  const lines = joinLines(coast, false);
  const rings = lines.filter((line) => isRing(line) && line.some((point) => isIn(point, box)));
  const islands = rings.filter((ring) => signedArea(ring) > 0);
  const lagoons = rings.filter((ring) => signedArea(ring) < 0);
  const shores = lines
    .filter((line) => !isRing(line))
    .flatMap((line) => partsIn(line, box))
    .map((part) => [continued(part.toReversed(), box), ...part, continued(part, box)]);
  const outer: Coordinate[][] = [...lagoons];
  const unused = new Set(shores);
  for (const first of shores) {
    if (!unused.has(first)) continue;
    const ring: Coordinate[] = [];
    for (let line = first; unused.has(line);) {
      unused.delete(line);
      ring.push(...line);
      const from = edgePosition(line.at(-1)!, box);
      const distance = (other: Coordinate[]): number => (edgePosition(other[0]!, box) - from + 4) % 4;
      const next = [...unused, first].reduce((best, other) =>
        distance(other) < distance(best) ? other : best,
      );
      ring.push(...cornersBetween(from, distance(next), box));
      line = next;
    }
    outer.push([...ring, ring[0]!]);
  }
  if (shores.length === 0 && islands.length > 0) outer.push([...corners(box), corners(box)[0]!]);
  const rounded = (ring: Coordinate[]) =>
    ring.map(([lng, lat]): Coordinate => [roundDegrees(lng), roundDegrees(lat)]);
  return toPolygons(outer.map(rounded), islands.map(rounded));
}

function isIn([lng, lat]: Coordinate, [west, south, east, north]: Box): boolean {
  return lng >= west && lng <= east && lat >= south && lat <= north;
}

/** The parts of a line that are in the box. Where the line crosses the edge, a part starts or ends on the edge. */
function partsIn(line: readonly Coordinate[], box: Box): Coordinate[][] {
  const parts: Coordinate[][] = [];
  let isOpen = false;
  for (const [index, to] of line.entries()) {
    const from = line[index - 1];
    if (from === undefined) continue;
    const clipped = clip(from, to, box);
    if (clipped === undefined) {
      isOpen = false;
      continue;
    }
    if (isOpen) parts.at(-1)!.push(clipped[1]);
    else parts.push([...clipped]);
    isOpen = isIn(to, box);
  }
  return parts;
}

/** The part of a segment in the box; `undefined` if none is. @see Liang and Barsky (1984) */
function clip(
  from: Coordinate,
  to: Coordinate,
  [west, south, east, north]: Box,
): [Coordinate, Coordinate] | undefined {
  const [lngs, lats] = [to[0] - from[0], to[1] - from[1]];
  let enter: { share: number; at?: Coordinate } = { share: 0 };
  let leave: { share: number; at?: Coordinate } = { share: 1 };
  const edges: (readonly [change: number, distance: number, at: (share: number) => Coordinate])[] = [
    [-lngs, from[0] - west, (share) => [west, from[1] + lats * share]],
    [lngs, east - from[0], (share) => [east, from[1] + lats * share]],
    [-lats, from[1] - south, (share) => [from[0] + lngs * share, south]],
    [lats, north - from[1], (share) => [from[0] + lngs * share, north]],
  ];
  for (const [change, distance, at] of edges) {
    if (change === 0) {
      if (distance < 0) return undefined;
      continue;
    }
    const share = distance / change;
    if (change < 0 && share > enter.share) enter = { share, at: at(share) };
    if (change > 0 && share < leave.share) leave = { share, at: at(share) };
  }
  return enter.share > leave.share ? undefined : [enter.at ?? from, leave.at ?? to];
}

/** The corners in clockwise order, from the south-west. */
function corners([west, south, east, north]: Box): Coordinate[] {
  return [
    [west, south],
    [west, north],
    [east, north],
    [east, south],
  ];
}

/** The share of the box over which the direction of a line at its end is measured: bays and piers are smaller. */
const DIRECTION_SHARE = 1 / 6;

/** Where a line reaches the edge of the box if it continues in its direction; the nearest point if it would cross itself. */
function continued(line: readonly Coordinate[], box: Box): Coordinate {
  const [west, south, east, north] = box;
  const end = line.at(-1)!;
  const nearest = toEdge(end, box);
  if (nearest.join() === end.join()) return nearest;
  const lengthOf = ([lng, lat]: Coordinate): number =>
    Math.hypot((end[0] - lng) / (east - west), (end[1] - lat) / (north - south));
  const from = line.findLast((point) => lengthOf(point) >= DIRECTION_SHARE) ?? line[0]!;
  const [lngs, lats] = [end[0] - from[0], end[1] - from[1]];
  const shares = [
    lngs === 0 ? Infinity : ((lngs > 0 ? east : west) - end[0]) / lngs,
    lats === 0 ? Infinity : ((lats > 0 ? north : south) - end[1]) / lats,
  ];
  const share = Math.min(...shares);
  if (!Number.isFinite(share)) return nearest;
  const isAcross = share === shares[0];
  const edge: Coordinate = [
    isAcross ? (lngs > 0 ? east : west) : end[0] + lngs * share,
    isAcross ? end[1] + lats * share : lats > 0 ? north : south,
  ];
  const crosses = line.slice(0, -2).some((point, index) => cross([point, line[index + 1]!], [end, edge]));
  return crosses ? nearest : edge;
}

type Segment = readonly [Coordinate, Coordinate];

function cross(one: Segment, other: Segment): boolean {
  const sideOf = ([from, to]: Segment, [lng, lat]: Coordinate): number =>
    Math.sign((to[0] - from[0]) * (lat - from[1]) - (to[1] - from[1]) * (lng - from[0]));
  return sideOf(one, other[0]) !== sideOf(one, other[1]) && sideOf(other, one[0]) !== sideOf(other, one[1]);
}

/** The nearest point on the edge of the box. */
function toEdge([lng, lat]: Coordinate, [west, south, east, north]: Box): Coordinate {
  const candidates: (readonly [number, Coordinate])[] = [
    [lng - west, [west, lat]],
    [east - lng, [east, lat]],
    [lat - south, [lng, south]],
    [north - lat, [lng, north]],
  ];
  return candidates.reduce((best, candidate) => (candidate[0] < best[0] ? candidate : best))[1];
}

/** Position on the edge, clockwise from the south-west corner: a side is 1. */
function edgePosition([lng, lat]: Coordinate, [west, south, east, north]: Box): number {
  if (lng === west) return (lat - south) / (north - south);
  if (lat === north) return 1 + (lng - west) / (east - west);
  if (lng === east) return 2 + (north - lat) / (north - south);
  return 3 + (east - lng) / (east - west);
}

/** The corners that are passed on the way along the edge. */
function cornersBetween(from: number, distance: number, box: Box): Coordinate[] {
  const passed: Coordinate[] = [];
  for (let corner = Math.floor(from) + 1; corner < from + distance; corner += 1) {
    passed.push(corners(box)[corner % 4]!);
  }
  return passed;
}
