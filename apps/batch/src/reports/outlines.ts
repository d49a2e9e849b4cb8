import type { MapRing } from '@hailstream/events/reports';

/** Distance that an outline may be moved by, as a share of the extent of the largest zone: less than a pixel of a map. */
const TOLERANCE_SHARE = 1 / 800;
/** Of a degree: about a metre. */
const PRECISION = 1e5;

type Position = readonly number[];

/** The rings of a GeoJSON polygon or multipolygon. */
export function ringsOf(geometry: { readonly type: string; readonly coordinates: unknown }): MapRing[] {
  const polygons = (
    geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
  ) as readonly (readonly (readonly Position[])[])[];
  return polygons.flatMap((polygon) => polygon.map((ring) => ring.flatMap(([lng, lat]) => [lng!, lat!])));
}

/** The outlines with as few corners as a map needs, so that a report with many zones stays small. */
export function simplified(outlines: readonly (readonly MapRing[])[]): MapRing[][] {
  const extents = outlines.flatMap((rings) => rings.flatMap((ring) => [rangeOf(ring, 0), rangeOf(ring, 1)]));
  const extent = extents.reduce((most, each) => Math.max(most, each), 0);
  return outlines.map((rings) => rings.map((ring) => simplifiedRing(ring, extent * TOLERANCE_SHARE)));
}

/** Ramer, Douglas and Peucker, from the corner that is farthest from the first one. */
function simplifiedRing(ring: MapRing, tolerance: number): MapRing {
  const corners = Array.from(
    { length: ring.length / 2 },
    (_, at) => [ring[2 * at]!, ring[2 * at + 1]!] as const,
  );
  const kept = new Set([0, corners.length - 1]);
  const middle = farthestOf(corners, 0, corners.length - 1).index;
  kept.add(middle);
  const pending: [number, number][] = [
    [0, middle],
    [middle, corners.length - 1],
  ];
  for (let span = pending.pop(); span !== undefined; span = pending.pop()) {
    const { index, distance } = farthestOf(corners, ...span);
    if (distance <= tolerance) continue;
    kept.add(index);
    pending.push([span[0], index], [index, span[1]]);
  }
  const rounded = [...kept]
    .sort((left, right) => left - right)
    .flatMap((index) => corners[index]!.map((degrees) => Math.round(degrees * PRECISION) / PRECISION));
  // Fewer than three corners and the repeated first one are not an area.
  return kept.size < 4 ? ring : rounded;
}

/** The corner between two others that is farthest from the line between them. */
function farthestOf(
  corners: readonly (readonly [number, number])[],
  from: number,
  to: number,
): { readonly index: number; readonly distance: number } {
  const [[x1, y1], [x2, y2]] = [corners[from]!, corners[to]!];
  const length = Math.hypot(x2 - x1, y2 - y1);
  let [index, distance] = [from, -1];
  for (let at = from + 1; at < to; at += 1) {
    const [x, y] = corners[at]!;
    const away =
      length === 0
        ? Math.hypot(x - x1, y - y1)
        : Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length;
    if (away > distance) [index, distance] = [at, away];
  }
  return { index, distance };
}

function rangeOf(values: MapRing, first: 0 | 1): number {
  let [least, most] = [Infinity, -Infinity];
  for (let at = first; at < values.length; at += 2) {
    least = Math.min(least, values[at]!);
    most = Math.max(most, values[at]!);
  }
  return most >= least ? most - least : 0;
}
