import { worldSizePixels, worldX, worldY } from './mercator.js';

/** Marks closer than this overlap. */
const OVERLAP_PIXELS = 10;

/** From this zoom on, marks are always drawn: zooming in further would not separate them. */
const CLOSEST_COUNTED_ZOOM = 16.5;

/** Fewer vehicles than this are never counted per cell. */
const FEWEST_COUNTED = 40;

/** The share of overlapping marks above which cells are counted, and below which marks are drawn again. */
const CROWDED_SHARE = 0.55;
const CLEAR_SHARE = 0.42;

/** Distance between the centres of neighbouring cells, between whole steps of zoom. */
const CELL_PIXELS = 60;

/** Cells change their size in these steps of zoom, so that they stay the same during small moves. */
const ZOOM_STEPS = 2;

interface Places {
  /** Web Mercator world coordinates, 0 to 1. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly count: number;
}

export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly count: number;
  /** How many of each kind. */
  readonly countByKind: readonly number[];
}

/** Longitude and latitude pairs as world coordinates. */
export function toPlaces(positions: Float64Array, count: number): Places {
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    x[index] = worldX(positions[2 * index]!);
    y[index] = worldY(positions[2 * index + 1]!);
  }
  return { x, y, count };
}

/** Whether to count per cell instead of drawing marks; `counting` is the current mode, for hysteresis. */
export function isCrowded(places: Places, view: { zoom: number; counting: boolean }): boolean {
  if (view.zoom >= CLOSEST_COUNTED_ZOOM || places.count < FEWEST_COUNTED) return false;
  return overlappingShare(places, view.zoom) > (view.counting ? CLEAR_SHARE : CROWDED_SHARE);
}

/** The share of places that have another one in the same square of `OVERLAP_PIXELS`. */
export function overlappingShare(places: Places, zoom: number): number {
  const perPixel = worldSizePixels(zoom) / OVERLAP_PIXELS;
  // A hash table in typed arrays, at most half full: it is filled once a tick with all vehicles.
  const capacity = 2 ** Math.ceil(Math.log2(2 * places.count + 2));
  const keys = new Float64Array(capacity);
  const counts = new Uint32Array(capacity);
  let overlapping = 0;
  for (let index = 0; index < places.count; index++) {
    const column = Math.floor(places.x[index]! * perPixel);
    const row = Math.floor(places.y[index]! * perPixel);
    const key = keyOf(column, row);
    let at = (Math.imul(column, 0x9e3779b1) ^ Math.imul(row, 0x85ebca6b)) & (capacity - 1);
    while (counts[at] !== 0 && keys[at] !== key) at = (at + 1) & (capacity - 1);
    keys[at] = key;
    counts[at]!++;
    if (counts[at] === 2) overlapping += 2;
    else if (counts[at]! > 2) overlapping++;
  }
  return places.count === 0 ? 0 : overlapping / places.count;
}

/**
 * How many places are in each hexagonal cell that has any, and of which kinds: `kinds` has a whole number below
 * `kindCount` for each place. Cells lie still on the ground while the map moves.
 */
export function countPerCell(
  places: Places,
  { zoom, kinds, kindCount }: { zoom: number; kinds: Uint8Array; kindCount: number },
): Cell[] {
  const steppedZoom = Math.round(zoom * ZOOM_STEPS) / ZOOM_STEPS;
  const perCell = worldSizePixels(steppedZoom) / CELL_PIXELS;
  const rowHeight = Math.sqrt(3) / 2;
  const counts = new Map<number, { column: number; row: number; countByKind: number[] }>();
  for (let index = 0; index < places.count; index++) {
    const { column, row } = nearestCentre(places.x[index]! * perCell, places.y[index]! * perCell, rowHeight);
    const key = keyOf(2 * column, row);
    let cell = counts.get(key);
    if (cell === undefined) {
      cell = { column, row, countByKind: Array.from({ length: kindCount }, () => 0) };
      counts.set(key, cell);
    }
    cell.countByKind[kinds[index]!]!++;
  }
  return [...counts.values()].map(({ column, row, countByKind }) => ({
    x: column / perCell,
    y: (row * rowHeight) / perCell,
    count: countByKind.reduce((sum, count) => sum + count, 0),
    countByKind,
  }));
}

/** The nearest of the centres that lie in rows, every second row shifted by half. */
function nearestCentre(x: number, y: number, rowHeight: number): { column: number; row: number } {
  const above = Math.floor(y / rowHeight);
  let nearest = { column: 0, row: 0 };
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const row of [above, above + 1]) {
    const shift = (row & 1) / 2;
    const column = Math.round(x - shift) + shift;
    const distance = (x - column) ** 2 + (y - row * rowHeight) ** 2;
    if (distance < nearestDistance) {
      nearest = { column, row };
      nearestDistance = distance;
    }
  }
  return nearest;
}

/** One number for a pair; exact up to zoom 22, where the world is 2^31 pixels wide. */
function keyOf(column: number, row: number): number {
  return column * 2 ** 26 + row;
}
