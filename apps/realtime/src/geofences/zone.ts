import { crc32 } from 'node:zlib';
import type { ZoneFeature } from '@hailstream/events';
import { PolygonEdges, type Ring } from './polygon-edges.js';

/** Maximum number of vertices of one zone, and of all zones of a process. */
const MAX_ZONE_VERTICES = 10_000;
export const MAX_VERTICES = 200_000;
/** Maximum number of zones of a process. */
export const MAX_ZONES = 1_000;

/** A zone cannot be used. The message says why, without the zone's id. */
export class ZoneError extends Error {
  override readonly name = 'ZoneError';
  readonly code = 'ZONE_INVALID';
}

/** A geofence. */
export class Zone {
  readonly id: string;
  readonly zoneName: string;
  readonly geometry: ZoneFeature['geometry'];
  readonly polygons: readonly PolygonEdges[];
  readonly vertices: number;
  /** A checksum of the geometry. */
  readonly checksum: number;

  /** @throws ZoneError if a ring is not closed, has no area, contains a pole, is out of range, or has too many vertices */
  constructor(
    { id, properties, geometry }: ZoneFeature,
    readonly source: 'file' | 'page',
    /** When it was drawn, in milliseconds: earlier positions are not compared with it. @default it has always existed */
    readonly since = Number.NEGATIVE_INFINITY,
  ) {
    this.id = id;
    this.zoneName = properties.name;
    this.geometry = geometry;
    this.checksum = crc32(JSON.stringify(geometry));
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    this.vertices = polygons.flat().reduce((sum, ring) => sum + ring.length, 0);
    if (this.vertices > MAX_ZONE_VERTICES) {
      throw new ZoneError(`expected at most ${MAX_ZONE_VERTICES} vertices, got ${this.vertices}`);
    }
    const isMulti = geometry.type === 'MultiPolygon';
    this.polygons = polygons.map((rings, index) => polygonOf(rings, isMulti ? `polygon ${index}, ` : ''));
  }

  contains(lng: number, lat: number): boolean {
    return this.polygons.some((polygon) => polygon.contains(lng, lat));
  }

  /** The middle of the area that contains it. */
  get center(): { readonly lat: number; readonly lng: number } {
    const [first] = this.polygons;
    const { west, south, east, north } = first!;
    const lng = (west + east) / 2;
    return { lat: (south + north) / 2, lng: lng - 360 * Math.floor((lng + 180) / 360) };
  }
}

type Positions = readonly (readonly number[])[];

function polygonOf(rings: readonly Positions[], which: string): PolygonEdges {
  const [border, ...holes] = rings.map((positions, index) =>
    ringOf(positions, `${which}${index === 0 ? 'border' : `hole ${index}`}`),
  );
  return new PolygonEdges([border!, ...holes.map((hole) => inTurnOf(border!, hole))]);
}

/** @throws ZoneError */
function ringOf(positions: Positions, which: string): Ring {
  const fail = (problem: string): never => {
    throw new ZoneError(`${which}: ${problem}`);
  };
  for (const [lng = Number.NaN, lat = Number.NaN] of positions) {
    if (!(Math.abs(lat) <= 90)) fail(`expected latitudes from -90 to 90 after the longitude, got ${lat}`);
    if (!(Math.abs(lng) <= 360)) fail(`expected longitudes from -360 to 360, got ${lng}`);
  }
  const [first, last] = [positions[0]!, positions.at(-1)!];
  if (positions.length < 4) fail(`expected at least 4 positions, got ${positions.length}`);
  if (first[0] !== last[0] || first[1] !== last[1]) {
    fail(
      `expected a closed ring, got ${first.slice(0, 2).join(',')} and ${last.slice(0, 2).join(',')} as its ends`,
    );
  }
  const ring = continuous(positions);
  if (ring[0] !== ring.at(-2)) fail('expected a ring that does not contain a pole');
  if (areaOf(ring) === 0) fail('expected a ring with an area');
  return ring;
}

/** An edge is the shorter way between its ends: one that jumps by more than 180° crosses the antimeridian. */
function continuous(positions: Positions): Ring {
  const ring = new Float64Array(positions.length * 2);
  let before = positions[0]![0]!;
  for (const [index, position] of positions.entries()) {
    const turned = position[0]! + 360 * Math.round((before - position[0]!) / 360);
    ring[2 * index] = turned;
    ring[2 * index + 1] = position[1]!;
    before = turned;
  }
  return ring;
}

/** A hole whose longitudes are of the same turn as those of the border. */
function inTurnOf(border: Ring, hole: Ring): Ring {
  const west = border.filter((_, at) => at % 2 === 0).reduce((least, lng) => Math.min(least, lng));
  const least = hole.filter((_, at) => at % 2 === 0).reduce((one, other) => Math.min(one, other));
  const shift = 360 * Math.ceil((west - least) / 360);
  return hole.map((value, at) => (at % 2 === 0 ? value + shift : value));
}

function areaOf(ring: Ring): number {
  let sum = 0;
  for (let at = 0; at + 3 < ring.length; at += 2) {
    sum +=
      (ring[at]! - ring[0]!) * (ring[at + 3]! - ring[1]!) -
      (ring[at + 2]! - ring[0]!) * (ring[at + 1]! - ring[1]!);
  }
  return Math.abs(sum) / 2;
}
