import { worldSizePixels, worldX, worldY } from './mercator.js';

/** Marks nearer to each other than this lie over each other. */
const OVERLAP_PIXELS = 10;

/** From this zoom on, marks stay marks however crowded: there is no closer look to be had from a count. */
const CLOSEST_COUNTED_ZOOM = 16.5;

/** Too few to be a crowd anywhere. */
const FEWEST_COUNTED = 40;

/** The share of marks that lie over others from which the map counts, and below which it draws again. */
const CROWDED_SHARE = 0.55;
const CLEAR_SHARE = 0.42;

/** Distance between the centres of neighbouring cells, between whole steps of zoom. */
const CELL_PIXELS = 60;

/** Steps of zoom at which cells change their size, so that they stay as they are during smaller moves. */
const ZOOM_STEPS = 2;

export interface Places {
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

/** Whether to count per cell rather than draw marks; `counting` says what is done now, so that it does not flicker. */
export function isCrowded(places: Places, view: { zoom: number; counting: boolean }): boolean {
  if (view.zoom >= CLOSEST_COUNTED_ZOOM || places.count < FEWEST_COUNTED) return false;
  return overlappingShare(places, view.zoom) > (view.counting ? CLEAR_SHARE : CROWDED_SHARE);
}

/** The share of places that have another one in the same square of `OVERLAP_PIXELS`. */
export function overlappingShare(places: Places, zoom: number): number {
  const perPixel = worldSizePixels(zoom) / OVERLAP_PIXELS;
  const inSquare = new Map<number, number>();
  for (let index = 0; index < places.count; index++) {
    const key = keyOf(Math.floor(places.x[index]! * perPixel), Math.floor(places.y[index]! * perPixel));
    inSquare.set(key, (inSquare.get(key) ?? 0) + 1);
  }
  let overlapping = 0;
  for (const count of inSquare.values()) if (count > 1) overlapping += count;
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
