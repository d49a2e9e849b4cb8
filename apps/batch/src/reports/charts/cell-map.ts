import { cellToBoundary, cellToLatLng } from 'h3-js';
import { coordinate, escapeText, openSvg } from './svg.js';

const WIDTH = 420;
const MAX_HEIGHT = 460;
const MARGIN = 14;
/** Shades from the smallest to the largest value; the classes `shade-0`, `shade-1`, … */
const SHADES = 6;
const DEGREES = Math.PI / 180;
const EARTH_RADIUS_METRES = 6_371_008.8;
/** Lengths that a scale bar may have, in metres. */
const SCALES = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];
const SCALE_SHARE = 0.3;

/** A value of an H3 cell. `null`: suppressed. */
interface MapCell {
  readonly cell: string;
  readonly value: number | null;
}

/**
 * A map of H3 cells: darker cells have larger values. North is up; a scale bar is below. Cells with a value determine what the map
 * shows: a few far ones without would make all others small.
 */
export function cellMap(label: string, cells: readonly MapCell[], format: (value: number) => string): string {
  const known = cells.filter(({ value }) => value !== null && value > 0);
  const projection = projectionOf(known.length === 0 ? cells : known);
  const limits = shadeLimits(cells.flatMap(({ value }) => (value === null || value <= 0 ? [] : [value])));
  const drawn = cells.map(({ cell, value }) => {
    const points = cellToBoundary(cell)
      .map(([lat, lng]) => projection.point(lat, lng))
      .map(([x, y]) => `${coordinate(x)},${coordinate(y)}`);
    const shade =
      value === null
        ? 'hidden'
        : value <= 0
          ? 'none'
          : `shade-${limits.findIndex((limit) => value <= limit)}`;
    const title = escapeText(`${cell}: ${value === null ? 'suppressed' : format(value)}`);
    return `<polygon class="${shade}" points="${points.join(' ')}"><title>${title}</title></polygon>`;
  });
  const { height } = projection;
  const background = `<rect class="backdrop" width="${WIDTH}" height="${height}"/>`;
  return [
    openSvg({ width: WIDTH, height }, label),
    background,
    ...drawn,
    scaleBar(projection),
    '</svg>',
  ].join('');
}

/** The ranges of values of the shades, from the lightest. */
export function mapShades(
  cells: readonly MapCell[],
  format: (value: number) => string,
): readonly { readonly shade: number; readonly text: string }[] {
  const values = cells.flatMap(({ value }) => (value === null || value <= 0 ? [] : [value]));
  const limits = shadeLimits(values);
  return limits.flatMap((limit, shade) => {
    const inShade = values.filter((value) => value <= limit && (shade === 0 || value > limits[shade - 1]!));
    if (inShade.length === 0) return [];
    const [least, most] = [format(Math.min(...inShade)), format(Math.max(...inShade))];
    return [{ shade, text: least === most ? least : `${least} – ${most}` }];
  });
}

/** Upper limits of the shades. Each shade has about as many cells, because a few cells often have most of the sum. */
function shadeLimits(values: readonly number[]): number[] {
  const sorted = [...values].sort((left, right) => left - right);
  if (sorted.length === 0) return [];
  return Array.from(
    { length: SHADES },
    (_, shade) => sorted[Math.ceil(((shade + 1) * sorted.length) / SHADES) - 1]!,
  );
}

interface Projection {
  readonly height: number;
  readonly metresPerUnit: number;
  point(lat: number, lng: number): readonly [number, number];
}

/** Equal scale in both directions at the middle of the cells, which a city is small enough for. */
function projectionOf(cells: readonly MapCell[]): Projection {
  const corners = cells.flatMap(({ cell }) => cellToBoundary(cell));
  const [firstLng = 0] = cells.slice(0, 1).map(({ cell }) => cellToLatLng(cell)[1]);
  // Longitudes near that of the first cell: a city may lie on both sides of the antimeridian.
  const near = (lng: number): number => firstLng + ((((lng - firstLng + 540) % 360) + 360) % 360) - 180;
  const lats = corners.map(([lat]) => lat);
  const lngs = corners.map(([, lng]) => near(lng));
  const [south, north] = rangeOf(lats);
  const [west, east] = rangeOf(lngs);
  const stretch = Math.cos(((south + north) / 2) * DEGREES);
  const width = Math.max((east - west) * stretch, 1e-9);
  const height = Math.max(north - south, 1e-9);
  const scale = Math.min((WIDTH - 2 * MARGIN) / width, (MAX_HEIGHT - 3 * MARGIN) / height);
  const left = (WIDTH - width * scale) / 2;
  return {
    height: Math.ceil(height * scale + 3 * MARGIN),
    metresPerUnit: (DEGREES * EARTH_RADIUS_METRES) / scale,
    point: (lat, lng) => [left + (near(lng) - west) * stretch * scale, MARGIN + (north - lat) * scale],
  };
}

function rangeOf(values: readonly number[]): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return values.length === 0 ? [0, 0] : [least, most];
}

function scaleBar({ height, metresPerUnit }: Projection): string {
  const longest = WIDTH * SCALE_SHARE * metresPerUnit;
  const metres = SCALES.findLast((each) => each <= longest) ?? SCALES[0]!;
  const text = metres < 1_000 ? `${metres} m` : `${metres / 1_000} km`;
  const right = coordinate(MARGIN + metres / metresPerUnit);
  const y = height - 10;
  return (
    `<path class="scale" d="M${MARGIN} ${y - 4}V${y}H${right}V${y - 4}"/>` +
    `<text class="axis" x="${coordinate(Number(right) + 6)}" y="${y}">${text}</text>`
  );
}
