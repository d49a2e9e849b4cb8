import type { CellRow, VehicleRow } from '@hailstream/events/live';
import { cellAt, cellCentre, type CellRange } from './grid.js';

/** Counted cells are this many levels finer than those of the room: 16 to 36 of them are across a viewport. */
const FINER_LEVELS = 2;

/** A cell is identified by its centre, in millionths of a degree. */
const PARTS_PER_DEGREE = 1e6;

type State = keyof CellRow[2];
type Counts = Map<State, number>;

/** The vehicles of a room, by cell and state. */
export class CellCounts {
  private readonly level: number;
  private readonly byCell = new Map<number, Counts>();
  private readonly touched = new Set<number>();
  /** What clients have, of the touched cells. */
  private readonly sent = new Map<number, string>();
  private count = 0;

  constructor({ level }: CellRange) {
    this.level = level + FINER_LEVELS;
  }

  /** The number of vehicles. */
  get total(): number {
    return this.count;
  }

  add(row: VehicleRow): void {
    this.count += 1;
    this.change(row, 1);
  }

  remove(row: VehicleRow): void {
    this.count -= 1;
    this.change(row, -1);
  }

  clear(): void {
    this.count = 0;
    this.byCell.clear();
    this.touched.clear();
    this.sent.clear();
  }

  /** All cells that have vehicles. */
  all(): CellRow[] {
    return [...this.byCell].map(([cell, counts]) => this.row(cell, counts));
  }

  /** The cells whose counts have changed since the last call. */
  takeChanged(): CellRow[] {
    const changed: CellRow[] = [];
    for (const cell of this.touched) {
      const counts = this.byCell.get(cell) ?? new Map<State, number>();
      const text = textOf(counts);
      if (text === this.sent.get(cell)) continue;
      changed.push(this.row(cell, counts));
    }
    this.touched.clear();
    this.sent.clear();
    return changed;
  }

  private change([, lat, lng, , , vehicleState]: VehicleRow, by: 1 | -1): void {
    const cell = cellAt(this.level, lat, lng);
    const counts = this.byCell.get(cell) ?? new Map<State, number>();
    if (!this.touched.has(cell)) {
      this.touched.add(cell);
      this.sent.set(cell, textOf(counts));
    }
    const state = vehicleState ?? 'unknown';
    const count = (counts.get(state) ?? 0) + by;
    if (count === 0) counts.delete(state);
    else counts.set(state, count);
    if (counts.size === 0) this.byCell.delete(cell);
    else this.byCell.set(cell, counts);
  }

  private row(cell: number, counts: Counts): CellRow {
    const [lat, lng] = cellCentre(this.level, cell);
    return [round(lat), round(lng), Object.fromEntries(counts)];
  }
}

function textOf(counts: Counts): string {
  return [...counts]
    .map(([state, count]) => `${state} ${count}`)
    .toSorted()
    .join();
}

function round(degrees: number): number {
  return Math.round(degrees * PARTS_PER_DEGREE) / PARTS_PER_DEGREE;
}
