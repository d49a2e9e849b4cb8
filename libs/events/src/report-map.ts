/*
 * What maps of reports are drawn with, in the exported file and on the page. A ring is a flat list of longitude and latitude in
 * degrees.
 */

const DEGREES = Math.PI / 180;
const EARTH_RADIUS_METRES = 6_371_008.8;
/** Lengths that a scale bar may have, in metres. */
const SCALES = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];
const SCALE_SHARE = 0.3;
/** Shades of values, from the lightest. */
const MAP_SHADES = 6;

/** Of the values, on each side of a map. */
const OUTER_SHARE = 0.01;
/** Horizontal lines on which the place of a name is searched, and the height of a name of two lines. */
const LABEL_LINES = 15;
const LABEL_HEIGHT = 22;

export type MapRing = readonly number[];

/** Where a map draws places, in its own units. */
export interface MapFrame {
  readonly width: number;
  readonly height: number;
  readonly metresPerUnit: number;
  point(lng: number, lat: number): readonly [x: number, y: number];
}

/** The frame in which some rings are as large as possible. North is up, and the scale is the same in both directions. */
export function mapFrame(
  rings: readonly MapRing[],
  size: {
    readonly width: number;
    readonly maxHeight: number;
    readonly margin: number;
    readonly bottom: number;
  },
): MapFrame {
  const firstLng = rings[0]?.[0] ?? 0;
  const near = (lng: number): number => nearTo(firstLng, lng);
  const [west, east] = rangeOf(rings, 0, near);
  const [south, north] = rangeOf(rings, 1, (lat) => lat);
  const stretch = Math.cos(((south + north) / 2) * DEGREES);
  const { width, maxHeight, margin, bottom } = size;
  const across = Math.max((east - west) * stretch, 1e-9);
  const down = Math.max(north - south, 1e-9);
  const scale = Math.min((width - 2 * margin) / across, (maxHeight - margin - bottom) / down);
  const left = (width - across * scale) / 2;
  return {
    width,
    height: Math.ceil(down * scale + margin + bottom),
    metresPerUnit: (DEGREES * EARTH_RADIUS_METRES) / scale,
    point: (lng, lat) => [left + (near(lng) - west) * stretch * scale, margin + (north - lat) * scale],
  };
}

/**
 * The rings of the areas in the middle: without those that have the outer hundredth of the values in a direction. A few far areas
 * would make all others small.
 */
export function centralRings(
  areas: readonly { readonly ring: MapRing; readonly value: number | null }[],
): MapRing[] {
  const known = areas.flatMap(({ ring, value }) => (value !== null && value > 0 ? [{ ring, value }] : []));
  const firstLng = known[0]?.ring[0] ?? 0;
  const lngOf = ({ ring }: { readonly ring: MapRing }): number => nearTo(firstLng, ring[0]!);
  const latOf = ({ ring }: { readonly ring: MapRing }): number => ring[1]!;
  const [west, east] = centralRange(known, lngOf);
  const [south, north] = centralRange(known, latOf);
  return known
    .filter(
      (area) => lngOf(area) >= west && lngOf(area) <= east && latOf(area) >= south && latOf(area) <= north,
    )
    .map(({ ring }) => ring);
}

/** Path data of SVG for some rings. */
export function mapPath(frame: MapFrame, rings: readonly MapRing[]): string {
  return rings
    .map((ring) => {
      const points: string[] = [];
      for (let at = 0; at + 1 < ring.length; at += 2) {
        const [x, y] = frame.point(ring[at]!, ring[at + 1]!);
        points.push(`${tenth(x)} ${tenth(y)}`);
      }
      return `M${points.join('L')}Z`;
    })
    .join('');
}

/** Where a name of two lines is written: the middle of the widest place in the largest ring, and how wide it is. */
export function labelSpot(
  frame: MapFrame,
  rings: readonly MapRing[],
): { readonly x: number; readonly y: number; readonly width: number } {
  const largest = rings.reduce(
    (best, ring) => (Math.abs(areaOf(ring)) > Math.abs(areaOf(best)) ? ring : best),
    rings[0] ?? [],
  );
  const corners: (readonly [number, number])[] = [];
  for (let at = 0; at + 1 < largest.length; at += 2)
    corners.push(frame.point(largest[at]!, largest[at + 1]!));
  const ys = corners.map(([, y]) => y);
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  let best = 0;
  let spot = { x: 0, y: top, width: 0 };
  for (let line = 1; line < LABEL_LINES; line += 1) {
    const y = top + ((bottom - top) * line) / LABEL_LINES;
    const span = commonSpan(corners, [y - LABEL_HEIGHT / 2, y, y + LABEL_HEIGHT / 2]);
    if (span === null) continue;
    const width = span[1] - span[0];
    // A place in the middle is preferred to one that is a little wider.
    const rank = width * (1 - Math.abs(line / LABEL_LINES - 0.5) / 2);
    if (rank > best) [best, spot] = [rank, { x: (span[0] + span[1]) / 2, y, width }];
  }
  return spot;
}

/** Upper limits of the shades of some values: each shade has about as many, because a few areas often have most of the sum. */
export function shadeLimits(values: readonly number[]): number[] {
  const sorted = values.filter((value) => value > 0).sort((left, right) => left - right);
  if (sorted.length === 0) return [];
  return Array.from(
    { length: MAP_SHADES },
    (_, shade) => sorted[Math.ceil(((shade + 1) * sorted.length) / MAP_SHADES) - 1]!,
  );
}

/** The shade of a value, from 0; `null` if it is not positive. */
export function shadeOf(limits: readonly number[], value: number): number | null {
  const shade = limits.findIndex((limit) => value <= limit);
  return value <= 0 || shade === -1 ? null : shade;
}

/** The ranges of values in each shade that has any. */
export function shadeRanges(
  values: readonly number[],
): readonly { readonly shade: number; readonly least: number; readonly most: number }[] {
  const limits = shadeLimits(values);
  return limits.flatMap((_, shade) => {
    const inShade = values.filter((value) => shadeOf(limits, value) === shade);
    return inShade.length === 0 ? [] : [{ shade, least: Math.min(...inShade), most: Math.max(...inShade) }];
  });
}

/** A scale bar: a round number of metres, and its length in the map. */
export function scaleBar({ width, metresPerUnit }: MapFrame): {
  readonly metres: number;
  readonly length: number;
} {
  const longest = width * SCALE_SHARE * metresPerUnit;
  const metres = SCALES.findLast((each) => each <= longest) ?? SCALES[0]!;
  return { metres, length: metres / metresPerUnit };
}

function rangeOf(
  rings: readonly MapRing[],
  first: 0 | 1,
  valueOf: (value: number) => number,
): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const ring of rings) {
    for (let at = first; at < ring.length; at += 2) {
      const value = valueOf(ring[at]!);
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  return least === Infinity ? [0, 0] : [least, most];
}

/** A longitude near another one: a city may lie on both sides of the antimeridian. */
function nearTo(other: number, lng: number): number {
  return other + ((((lng - other + 540) % 360) + 360) % 360) - 180;
}

/** Where the middle of the values is, without the outer hundredth on each side. */
function centralRange<Area extends { readonly value: number }>(
  areas: readonly Area[],
  placeOf: (area: Area) => number,
): readonly [number, number] {
  const sorted = areas.toSorted((left, right) => placeOf(left) - placeOf(right));
  const total = sorted.reduce((sum, { value }) => sum + value, 0);
  let [sum, least, most] = [0, Infinity, -Infinity];
  for (const area of sorted) {
    const before = sum;
    sum += area.value;
    if (least === Infinity && sum > total * OUTER_SHARE) least = placeOf(area);
    if (before < total * (1 - OUTER_SHARE)) most = placeOf(area);
  }
  return [least, most];
}

function areaOf(ring: MapRing): number {
  let sum = 0;
  for (let at = 0; at + 1 < ring.length; at += 2) {
    const next = (at + 2) % ring.length;
    sum += ring[at]! * ring[next + 1]! - ring[next]! * ring[at + 1]!;
  }
  return sum / 2;
}

/** What the widest parts of some horizontal lines have in common; `null` if there is nothing. */
function commonSpan(
  corners: readonly (readonly [number, number])[],
  ys: readonly number[],
): readonly [number, number] | null {
  let common: readonly [number, number] = [-Infinity, Infinity];
  for (const y of ys) {
    const span = widestSpan(corners, y);
    if (span === null) return null;
    common = [Math.max(common[0], span[0]), Math.min(common[1], span[1])];
  }
  return common[0] < common[1] ? common : null;
}

/** The widest part of a horizontal line that is inside of a polygon. */
function widestSpan(
  corners: readonly (readonly [number, number])[],
  y: number,
): readonly [number, number] | null {
  const crossings: number[] = [];
  for (const [index, [x1, y1]] of corners.entries()) {
    const [x2, y2] = corners[(index + 1) % corners.length]!;
    if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  }
  crossings.sort((left, right) => left - right);
  let widest: readonly [number, number] | null = null;
  for (let at = 0; at + 1 < crossings.length; at += 2) {
    const span = [crossings[at]!, crossings[at + 1]!] as const;
    if (widest === null || span[1] - span[0] > widest[1] - widest[0]) widest = span;
  }
  return widest;
}

function tenth(value: number): string {
  return String(Math.round(value * 10) / 10);
}
