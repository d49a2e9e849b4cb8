/** Metres per degree of latitude on a sphere, which is accurate enough within a city. */
const METERS_PER_DEGREE = 111_195;

/** Pixels that the whole world is wide at zoom 0, in MapLibre's terms. */
const WORLD_SIZE_AT_ZOOM_0 = 512;

const toRadians = Math.PI / 180;

/** Across the Web Mercator world: 0 at the antimeridian in the west, 1 in the east. */
export function worldX(lng: number): number {
  return (lng + 180) / 360;
}

/** Down the Web Mercator world: 0 in the north, 1 in the south. */
export function worldY(lat: number): number {
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * toRadians) / 2)) / (2 * Math.PI);
}

export function lngOfWorldX(x: number): number {
  return x * 360 - 180;
}

/** Distance of one `worldX` east of another, in the shorter direction: -0.5 to 0.5. */
export function acrossWorld(x: number, from: number): number {
  return x - from - Math.round(x - from);
}

export function latOfWorldY(y: number): number {
  return (2 * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - Math.PI / 2) / toRadians;
}

/** Pixels that the whole world is wide at a zoom. */
export function worldSizePixels(zoom: number): number {
  return WORLD_SIZE_AT_ZOOM_0 * 2 ** zoom;
}

export interface Place {
  readonly lng: number;
  readonly lat: number;
}

/** Metres between two places, accurate to 0.1 % within a city. */
export function distanceMeters(from: Place, to: Place): number {
  const north = (to.lat - from.lat) * METERS_PER_DEGREE;
  const east = (to.lng - from.lng) * METERS_PER_DEGREE * Math.cos(((from.lat + to.lat) / 2) * toRadians);
  return Math.hypot(north, east);
}
