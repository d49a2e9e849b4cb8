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
