import type { Viewport } from '@hailstream/events/live';

/** Average length of an edge of a cell in metres, by resolution of H3, from the finest that is shown. */
const EDGES: readonly (readonly [resolution: number, meters: number])[] = [
  [10, 76],
  [9, 201],
  [8, 531],
  [7, 1_406],
  [6, 3_725],
  [5, 9_854],
];
const COARSEST = 4;

/** Least length of an edge on the screen. */
const LEAST_PIXELS = 26;

const METERS_PER_DEGREE = 111_195;

/** The area is extended to multiples of this share of its size, so that small moves need no other request. */
const AREA_STEPS = 2;

/** The finest resolution whose cells can be told apart in an area that is so many pixels wide. */
export function resolutionOf({ west, south, east, north }: Viewport, widthPixels: number): number {
  const middle = (((south + north) / 2) * Math.PI) / 180;
  const meters = widthOf(west, east) * METERS_PER_DEGREE * Math.cos(middle);
  const metersPerPixel = meters / widthPixels;
  return EDGES.find(([, edge]) => edge >= LEAST_PIXELS * metersPerPixel)?.[0] ?? COARSEST;
}

/** An area that contains a viewport, as `west,south,east,north`. */
export function areaOf({ west, south, east, north }: Viewport): string {
  const size = Math.max(1e-3, widthOf(west, east), north - south);
  const step = 2 ** Math.ceil(Math.log2(size)) / AREA_STEPS;
  const left = Math.floor(west / step) * step;
  const right = Math.ceil((west + widthOf(west, east)) / step) * step;
  const isWide = right - left >= 360;
  return [
    isWide ? -180 : wrapped(left),
    Math.max(-90, Math.floor(south / step) * step),
    isWide ? 180 : wrapped(right),
    Math.min(90, Math.ceil(north / step) * step),
  ].join(',');
}

function widthOf(west: number, east: number): number {
  return east < west ? east - west + 360 : Math.min(360, east - west);
}

function wrapped(lng: number): number {
  return ((((lng + 180) % 360) + 360) % 360) - 180;
}
