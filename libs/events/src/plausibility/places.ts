/** Degrees. */
export interface Place {
  readonly lat: number;
  readonly lng: number;
}

/** Degrees; `west` is greater than `east` if the box spans the antimeridian. */
export interface PlaceBox {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** A square of one degree, as one number. */
export type Cell = number;

const COLUMNS = 360;

export function cellOf({ lat, lng }: Place): Cell {
  const row = Math.min(179, Math.max(0, Math.floor(lat) + 90));
  return row * COLUMNS + ((((Math.floor(lng) + 180) % COLUMNS) + COLUMNS) % COLUMNS);
}

/** The centre of a cell. */
export function centerOf(cell: Cell): Place {
  return { lat: Math.floor(cell / COLUMNS) - 89.5, lng: (cell % COLUMNS) - 179.5 };
}

/** The cell and those around it: a city on an edge is in several. */
function* around(cell: Cell): Generator<Cell> {
  const { lat, lng } = centerOf(cell);
  for (const north of [-1, 0, 1]) {
    for (const east of [-1, 0, 1]) yield cellOf({ lat: lat + north, lng: lng + east });
  }
}

/** Every cell that a box touches. */
export function* cellsOf({ west, south, east, north }: PlaceBox): Generator<Cell> {
  const width = (((east - west) % 360) + 360) % 360;
  for (let lat = Math.floor(south); lat <= Math.floor(north); lat += 1) {
    for (let lng = Math.floor(west); lng <= Math.floor(west + width); lng += 1)
      yield cellOf({ lat: lat + 0.5, lng: lng + 0.5 });
  }
}

type PlaceMistake = 'zero-position' | 'swapped-coordinates' | 'wrong-sign';

/** Closer to 0, 0 than this is no position; the place is in the sea. */
const ZERO_DEGREES = 0.01;

export function isZeroPosition({ lat, lng }: Place): boolean {
  return Math.abs(lat) < ZERO_DEGREES && Math.abs(lng) < ZERO_DEGREES;
}

/**
 * Returns the mistake that explains why a cell is not in the area where vehicles are expected although it would be without
 * the mistake; `null` if it is in the area, or if no mistake explains it.
 *
 * @param isExpected whether vehicles are expected in a cell
 */
export function mistakeOfCell(
  cell: Cell,
  isExpected: (cell: Cell) => boolean,
): Exclude<PlaceMistake, 'zero-position'> | null {
  const isNear = (place: Place): boolean => [...around(cellOf(place))].some(isExpected);
  const { lat, lng } = centerOf(cell);
  if (isNear({ lat, lng })) return null;
  if (Math.abs(lng) <= 90 && isNear({ lat: lng, lng: lat })) return 'swapped-coordinates';
  const mirrored = [
    { lat, lng: -lng },
    { lat: -lat, lng },
    { lat: -lat, lng: -lng },
  ];
  return mirrored.some(isNear) ? 'wrong-sign' : null;
}
