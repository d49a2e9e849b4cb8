import type { Viewport } from '@hailstream/events/live';

/** A viewport is covered by at most this many cells in each direction, plus one for cells cut by its edges. */
const CELLS_ACROSS = 8;

/** Cells of the finest level are 360 / 2^17 degrees: about 300 m. */
const FINEST_LEVEL = 17;

/**
 * Whole cells of one level of the grid. A level's cells are squares of 360 / 2^level degrees, counted from the south
 * and from the antimeridian; `columns` of them go east from `west`, across the antimeridian if necessary.
 */
export interface CellRange {
  readonly level: number;
  readonly south: number;
  readonly north: number;
  readonly west: number;
  readonly columns: number;
}

/**
 * The cells that cover a viewport, of the finest level at which few cells suffice. Viewports that are nearly the same have
 * the same range, so that they share frames.
 */
export function cover(viewport: Viewport): CellRange {
  const { west, south, east, north } = viewport;
  const width = west <= east ? Math.min(east - west, 360) : east - west + 360;
  const extent = Math.max(width, north - south, Number.EPSILON);
  const level = Math.min(FINEST_LEVEL, Math.max(0, Math.floor(Math.log2((360 * CELLS_ACROSS) / extent))));
  const around = 2 ** level;
  const firstColumn = column(level, west);
  const isWholeRound = width >= 360;
  const lastColumn = column(level, isWholeRound ? west : east);
  const columns = isWholeRound ? around : ((lastColumn - firstColumn + around) % around) + 1;
  // A viewport that spans nearly all longitudes may end in the cell in which it starts.
  const goesRound = columns === 1 && width > cellDegrees(level);
  return {
    level,
    south: row(level, south),
    north: row(level, north),
    west: isWholeRound || goesRound ? 0 : firstColumn,
    columns: goesRound ? around : columns,
  };
}

/** The number, within its level, of the cell that contains a position. */
export function cellAt(level: number, lat: number, lng: number): number {
  return row(level, lat) * 2 ** level + column(level, lng);
}

/** Latitude and longitude of the centre of a cell. */
export function cellCentre(level: number, cell: number): [lat: number, lng: number] {
  const around = 2 ** level;
  const degrees = cellDegrees(level);
  return [(Math.floor(cell / around) + 0.5) * degrees - 90, ((cell % around) + 0.5) * degrees - 180];
}

export function* cellsOf(range: CellRange): Generator<number> {
  const around = 2 ** range.level;
  for (let at = range.south; at <= range.north; at += 1) {
    for (let count = 0; count < range.columns; count += 1) {
      yield at * around + ((range.west + count) % around);
    }
  }
}

export function covers(range: CellRange, lat: number, lng: number): boolean {
  const at = row(range.level, lat);
  if (at < range.south || at > range.north) return false;
  const around = 2 ** range.level;
  return (column(range.level, lng) - range.west + around) % around < range.columns;
}

/** The number of the cell of the finest level that contains a position. */
export function finestCellAt(lat: number, lng: number): number {
  return cellAt(FINEST_LEVEL, lat, lng);
}

/** Whether a cell of the finest level is within a range. Each cell of a level consists of whole cells of the finest one. */
export function coversCell(range: CellRange, finestCell: number): boolean {
  const finestAround = 2 ** FINEST_LEVEL;
  const size = 2 ** (FINEST_LEVEL - range.level);
  const at = Math.floor(Math.floor(finestCell / finestAround) / size);
  if (at < range.south || at > range.north) return false;
  const around = 2 ** range.level;
  const columnAt = Math.floor((finestCell % finestAround) / size);
  return (columnAt - range.west + around) % around < range.columns;
}

/** Whether a position is within a viewport, edges included. */
export function isWithin(viewport: Viewport, lat: number, lng: number): boolean {
  if (lat < viewport.south || lat > viewport.north) return false;
  return viewport.west <= viewport.east
    ? lng >= viewport.west && lng <= viewport.east
    : lng >= viewport.west || lng <= viewport.east;
}

function cellDegrees(level: number): number {
  return 360 / 2 ** level;
}

function row(level: number, lat: number): number {
  return Math.floor((lat + 90) / cellDegrees(level));
}

/** Longitudes beyond ±180° are wrapped. */
function column(level: number, lng: number): number {
  const around = 2 ** level;
  const count = Math.floor((lng + 180) / cellDegrees(level)) % around;
  return count < 0 ? count + around : count;
}
