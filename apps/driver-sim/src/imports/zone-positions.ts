import { readFileSync } from 'node:fs';
import type { Location } from '@hailstream/events';
import { distanceMeters, type Position } from '@hailstream/roads';
import { TraceError } from '../trace/read-lines.js';

/** Positions of numbered zones: the centre of each, with the distance to its furthest corner as accuracy. */
export type ZonePositions = ReadonlyMap<number, Location>;

/** Names of the property that has the number of a zone. */
const NUMBER_PROPERTIES = ['locationid', 'location_id', 'zoneid', 'zone_id'];

type Ring = readonly (readonly [lng: number, lat: number])[];

/**
 * Reads zones from GeoJSON: polygons with the property `LocationID`.
 *
 * @throws TraceError if the file cannot be read or has no such polygon
 */
export function readZonePositions(path: string): ZonePositions {
  const zones = new Map<number, Location>();
  for (const feature of featuresOf(path)) {
    const number = numberOf(feature.properties ?? {});
    const rings = feature.geometry === undefined ? [] : outerRings(feature.geometry);
    const center = number === undefined ? undefined : centerOf(rings);
    if (number !== undefined && center !== undefined) zones.set(number, withAccuracy(center, rings));
  }
  if (zones.size > 0) return zones;
  throw new TraceError(`${path}: expected GeoJSON polygons with the property LocationID, found none`);
}

interface Feature {
  readonly properties?: Readonly<Record<string, unknown>> | null;
  readonly geometry?: { readonly type: string; readonly coordinates: unknown };
}

function featuresOf(path: string): readonly Feature[] {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as { features?: unknown };
    return Array.isArray(value.features) ? (value.features as Feature[]) : [];
  } catch (error) {
    throw new TraceError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

function numberOf(properties: Readonly<Record<string, unknown>>): number | undefined {
  for (const [name, value] of Object.entries(properties)) {
    const number = Number(value);
    if (NUMBER_PROPERTIES.includes(name.toLowerCase()) && Number.isInteger(number)) return number;
  }
  return undefined;
}

function outerRings({ type, coordinates }: { type: string; coordinates: unknown }): Ring[] {
  if (type === 'Polygon') return [(coordinates as Ring[])[0] ?? []];
  return type === 'MultiPolygon' ? (coordinates as Ring[][]).map(([outer = []]) => outer) : [];
}

/** The centre of mass of polygons; in a city, degrees are flat enough. */
function centerOf(rings: readonly Ring[]): Position | undefined {
  const [origin] = rings[0] ?? [];
  if (origin === undefined) return undefined;
  let [area, lng, lat] = [0, 0, 0];
  for (const ring of rings) {
    let [ringArea, ringLng, ringLat] = [0, 0, 0];
    for (const [index, [x, y]] of ring.entries()) {
      const [nextX, nextY] = ring[(index + 1) % ring.length]!;
      const [x1, y1, x2, y2] = [x - origin[0], y - origin[1], nextX - origin[0], nextY - origin[1]];
      const cross = x1 * y2 - x2 * y1;
      ringArea += cross;
      ringLng += (x1 + x2) * cross;
      ringLat += (y1 + y2) * cross;
    }
    // Rings may run in either direction.
    const sign = Math.sign(ringArea);
    area += sign * ringArea;
    lng += sign * ringLng;
    lat += sign * ringLat;
  }
  if (area === 0) return undefined;
  return { lng: origin[0] + lng / (3 * area), lat: origin[1] + lat / (3 * area) };
}

function withAccuracy(center: Position, rings: readonly Ring[]): Location {
  const distances = rings.flat().map(([lng, lat]) => distanceMeters(center, { lat, lng }));
  return {
    lat: round(center.lat),
    lng: round(center.lng),
    horizontal_accuracy: Math.ceil(Math.max(...distances)),
  };
}

function round(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}
