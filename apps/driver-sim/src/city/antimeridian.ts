/** Degrees in the order of GeoJSON. */
export type Coordinate = [lng: number, lat: number];

/** Decimals of a coordinate: 0.1 m. */
const COORDINATE_DECIMALS = 6;

export function roundDegrees(degrees: number): number {
  return Number(degrees.toFixed(COORDINATE_DECIMALS));
}

/**
 * Splits a line at the antimeridian, so that each part can be drawn. The parts end at the same place, with
 * longitude 180 and −180. A segment between two points is the shorter connection.
 *
 * @see RFC 7946, section 3.1.9
 */
export function cutAtAntimeridian(line: readonly Coordinate[]): Coordinate[][] {
  const parts: Coordinate[][] = [[]];
  for (const [index, point] of line.entries()) {
    const before = line[index - 1];
    if (before !== undefined && Math.abs(point[0] - before[0]) > 180) {
      const side = before[0] < 0 ? -180 : 180;
      const lat = roundDegrees(latAtAntimeridian(before, point));
      if (before[0] !== side) parts.at(-1)!.push([side, lat]);
      parts.push(point[0] === -side ? [] : [[-side, lat]]);
    }
    parts.at(-1)!.push([...point]);
  }
  return parts.filter((part) => part.length > 1);
}

function latAtAntimeridian([fromLng, fromLat]: Coordinate, [toLng, toLat]: Coordinate): number {
  const before = 180 - Math.abs(fromLng);
  const after = 180 - Math.abs(toLng);
  return before + after === 0 ? fromLat : fromLat + ((toLat - fromLat) * before) / (before + after);
}

/**
 * The smallest bounding box of the points: west, south, east, north. West is greater than east if the box crosses the
 * antimeridian.
 *
 * @see RFC 7946, section 5.2
 */
export function boundsOf(
  points: readonly (readonly [lng: number, lat: number, ...rest: number[]])[],
): [number, number, number, number] {
  let [south, north] = [90, -90];
  for (const [, lat] of points) {
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  }
  const lngs = Float64Array.from(points, ([lng]) => (lng === 180 ? -180 : lng)).toSorted();
  // The box omits the widest range of longitudes without a point.
  let west = lngs[0] ?? -180;
  let east = lngs.at(-1) ?? 180;
  let widest = west + 360 - east;
  for (const [index, lng] of lngs.entries()) {
    const gap = index === 0 ? 0 : lng - lngs[index - 1]!;
    if (gap <= widest) continue;
    widest = gap;
    west = lng;
    east = lngs[index - 1]!;
  }
  return [west, south, east === -180 && west > 0 ? 180 : east, north];
}
