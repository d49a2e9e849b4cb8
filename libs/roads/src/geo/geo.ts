import { earthCentred } from '@hailstream/events';

/** A position in degrees. */
export interface Position {
  readonly lat: number;
  readonly lng: number;
}

const EARTH_RADIUS_METERS = 6_371_008.8;
const RADIANS_PER_DEGREE = Math.PI / 180;

/** Metres in one degree of latitude. */
export const METERS_PER_DEGREE = EARTH_RADIUS_METERS * RADIANS_PER_DEGREE;

/** Great-circle distance. */
export function distanceMeters(from: Position, to: Position): number {
  const sinLat = Math.sin(((to.lat - from.lat) * RADIANS_PER_DEGREE) / 2);
  const sinLng = Math.sin(((to.lng - from.lng) * RADIANS_PER_DEGREE) / 2);
  const cosines = Math.cos(from.lat * RADIANS_PER_DEGREE) * Math.cos(to.lat * RADIANS_PER_DEGREE);
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.min(1, Math.sqrt(sinLat ** 2 + cosines * sinLng ** 2)));
}

/**
 * Returns a function of the distance from a position, in metres. It is an approximation for short distances, which is
 * cheap to evaluate for many positions.
 */
export function flatDistance(from: Position): (lat: number, lng: number) => number {
  const metersPerDegreeLng = METERS_PER_DEGREE * Math.cos(from.lat * RADIANS_PER_DEGREE);
  return (lat, lng) => {
    const north = (lat - from.lat) * METERS_PER_DEGREE;
    const east = wrapLng(lng - from.lng) * metersPerDegreeLng;
    return Math.sqrt(north * north + east * east);
  };
}

/**
 * Chords between some positions, in metres: lower bounds of their distances on the WGS 84 ellipsoid, almost equal to them in a
 * city, and cheap to evaluate.
 */
export class Chords {
  private readonly coordinates: Float64Array;

  constructor(positions: readonly Position[]) {
    this.coordinates = new Float64Array(positions.length * 3);
    for (const [index, position] of positions.entries()) {
      this.coordinates.set(earthCentred(position), index * 3);
    }
  }

  /** Length of the chord between two positions, by their indexes. */
  meters(from: number, to: number): number {
    const { coordinates } = this;
    const x = coordinates[from * 3]! - coordinates[to * 3]!;
    const y = coordinates[from * 3 + 1]! - coordinates[to * 3 + 1]!;
    const z = coordinates[from * 3 + 2]! - coordinates[to * 3 + 2]!;
    return Math.sqrt(x * x + y * y + z * z);
  }
}

/** Initial course from one position to another, in degrees clockwise from north: 0 ≤ course < 360. */
export function headingDegrees(from: Position, to: Position): number {
  const fromLat = from.lat * RADIANS_PER_DEGREE;
  const toLat = to.lat * RADIANS_PER_DEGREE;
  const deltaLng = (to.lng - from.lng) * RADIANS_PER_DEGREE;
  const east = Math.sin(deltaLng) * Math.cos(toLat);
  const north =
    Math.cos(fromLat) * Math.sin(toLat) - Math.sin(fromLat) * Math.cos(toLat) * Math.cos(deltaLng);
  return (Math.atan2(east, north) / RADIANS_PER_DEGREE + 360) % 360;
}

/** Moves a position by some metres north and east. The approximation is valid for short distances. */
export function offset(position: Position, meters: { north: number; east: number }): Position {
  const metersPerDegreeLng = METERS_PER_DEGREE * Math.cos(position.lat * RADIANS_PER_DEGREE);
  return {
    lat: position.lat + meters.north / METERS_PER_DEGREE,
    lng: wrapLng(position.lng + meters.east / metersPerDegreeLng),
  };
}

/** Interpolates between two positions, across the antimeridian if that is shorter. */
export function between(from: Position, to: Position, share: number): Position {
  return {
    lat: from.lat + (to.lat - from.lat) * share,
    lng: wrapLng(from.lng + wrapLng(to.lng - from.lng) * share),
  };
}

/** Normalizes a longitude to -180 to 180 degrees. */
function wrapLng(degrees: number): number {
  if (degrees > 180) return degrees - 360;
  return degrees < -180 ? degrees + 360 : degrees;
}
