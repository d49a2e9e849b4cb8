import { metersBetween, metersPerDegree, acrossDegrees } from '@hailstream/events';

interface Place {
  readonly lat: number;
  readonly lng: number;
}

/** The line of a route is nowhere further from the way than this. */
const TOLERANCE_METERS = 5;
/** Points of a way that are considered for its line, evenly chosen if it has more: three hours at one per second. */
const MAX_POINTS = 10_800;

/**
 * Encodes a way as a polyline with a precision of five decimals, about a metre. Points that are not needed to show it within
 * {@link TOLERANCE_METERS} are left out.
 *
 * @see https://developers.google.com/maps/documentation/utilities/polylinealgorithm
 */
export function encodePolyline(way: readonly Place[]): string {
  const every = Math.ceil(way.length / MAX_POINTS);
  const considered = way.filter((_, index) => index % every === 0 || index === way.length - 1);
  let text = '';
  let [lat, lng] = [0, 0];
  for (const place of simplify(considered)) {
    const [nextLat, nextLng] = [Math.round(place.lat * 1e5), Math.round(place.lng * 1e5)];
    text += encodeNumber(nextLat - lat) + encodeNumber(nextLng - lng);
    [lat, lng] = [nextLat, nextLng];
  }
  return text;
}

/** Five bits per character, the lowest first; all but the last one have the sixth bit set. */
function encodeNumber(value: number): string {
  let rest = value < 0 ? ~(value << 1) : value << 1;
  let text = '';
  for (; rest >= 0x20; rest >>>= 5) text += String.fromCharCode((0x20 | (rest & 0x1f)) + 63);
  return text + String.fromCharCode(rest + 63);
}

/** @see Douglas and Peucker, Algorithms for the reduction of the number of points required to represent a line, 1973 */
function simplify(way: readonly Place[]): Place[] {
  if (way.length < 3) return [...way];
  const isKept = new Uint8Array(way.length);
  isKept[0] = isKept[way.length - 1] = 1;
  const parts: [number, number][] = [[0, way.length - 1]];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const [first, last] = part;
    const farthest = farthestBetween(way, first, last);
    if (farthest === undefined) continue;
    isKept[farthest] = 1;
    parts.push([first, farthest], [farthest, last]);
  }
  return way.filter((_, index) => isKept[index] === 1);
}

/** Returns the index of the place that is farthest from the line between two others, if it is too far. */
function farthestBetween(way: readonly Place[], first: number, last: number): number | undefined {
  const [start, end] = [way[first]!, way[last]!];
  const scale = metersPerDegree(start.lat);
  const [endX, endY] = [acrossDegrees(start.lng, end.lng) * scale.east, (end.lat - start.lat) * scale.north];
  const length = Math.hypot(endX, endY);
  let farthest: number | undefined;
  let most = TOLERANCE_METERS;
  for (let index = first + 1; index < last; index += 1) {
    const place = way[index]!;
    const [x, y] = [acrossDegrees(start.lng, place.lng) * scale.east, (place.lat - start.lat) * scale.north];
    const along = length === 0 ? 0 : (x * endX + y * endY) / length;
    const meters =
      along < 0 || length === 0
        ? Math.hypot(x, y)
        : along > length
          ? metersBetween(place, end)
          : Math.abs(x * endY - y * endX) / length;
    if (meters <= most) continue;
    most = meters;
    farthest = index;
  }
  return farthest;
}
