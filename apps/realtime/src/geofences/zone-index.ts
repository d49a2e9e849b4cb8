import type { Zone } from './zone.js';

/** Maximum number of cells that the zones of an index cover together, for its memory: cells are larger if there are more. */
const MAX_COVERED_CELLS = 32_768;

/** The smallest cells have 360° / 2^17, about 300 m at the equator. */
const SMALLEST_CELLS = 17;

const NONE: readonly Zone[] = [];

/** Finds the zones that contain a position, by a grid of the cells that they cover. */
export class ZoneIndex {
  private readonly cells = new Map<number, Zone[]>();
  private readonly columns: number;
  private readonly cellDegrees: number;

  constructor(readonly zones: readonly Zone[]) {
    let bits = SMALLEST_CELLS;
    while (bits > 0 && coveredCells(zones, 360 / 2 ** bits) > MAX_COVERED_CELLS) bits -= 1;
    this.columns = 2 ** bits;
    this.cellDegrees = 360 / this.columns;
    for (const zone of zones) this.add(zone);
  }

  /** In no particular order. */
  at(lng: number, lat: number): readonly Zone[] {
    const { cellDegrees } = this;
    const candidates = this.cells.get(
      this.cell(Math.floor((lng + 180) / cellDegrees), Math.floor((lat + 90) / cellDegrees)),
    );
    if (candidates === undefined) return NONE;
    let found: Zone[] | null = null;
    for (const zone of candidates) {
      if (zone.contains(lng, lat)) (found ??= []).push(zone);
    }
    return found ?? NONE;
  }

  private add(zone: Zone): void {
    const { cellDegrees } = this;
    for (const { west, south, east, north } of zone.polygons) {
      for (let row = Math.floor((south + 90) / cellDegrees); row <= (north + 90) / cellDegrees; row += 1) {
        for (
          let column = Math.floor((west + 180) / cellDegrees);
          column <= (east + 180) / cellDegrees;
          column += 1
        ) {
          const cell = this.cell(column, row);
          const zones = this.cells.get(cell);
          if (zones === undefined) this.cells.set(cell, [zone]);
          else if (zones.at(-1) !== zone) zones.push(zone);
        }
      }
    }
  }

  /** Columns continue at the antimeridian. */
  private cell(column: number, row: number): number {
    const { columns } = this;
    return row * columns + (((column % columns) + columns) % columns);
  }
}

function coveredCells(zones: readonly Zone[], cellDegrees: number): number {
  let count = 0;
  for (const { polygons } of zones) {
    for (const { west, south, east, north } of polygons) {
      count += ((east - west) / cellDegrees + 2) * ((north - south) / cellDegrees + 2);
    }
  }
  return count;
}
