import type { CellRow, Frame } from '@hailstream/events/live';
import type { Cell } from './cells.js';
import { type DrawnState, statesOnMap } from './drawn-state.js';
import { worldX, worldY } from './mercator.js';

/** The vehicles of the viewport by cell, which the service sends instead of vehicles if there are too many. */
export class CountedCells {
  private readonly byCentre = new Map<string, CellRow>();
  private isUsed = false;

  /** Whether the newest frame has counts instead of vehicles. */
  get isCounted(): boolean {
    return this.isUsed;
  }

  /** Applies a frame. `whole` is a snapshot: cells that are not in it are removed. */
  apply({ cells }: Frame, { whole }: { whole: boolean }): void {
    if (whole) this.byCentre.clear();
    this.isUsed = cells !== undefined;
    for (const cell of cells ?? []) {
      const [lat, lng, counts] = cell;
      const centre = `${lat} ${lng}`;
      if (Object.keys(counts).length === 0) this.byCentre.delete(centre);
      else this.byCentre.set(centre, cell);
    }
  }

  /** The cells as drawn, without vehicles in states that are hidden or have no mark. */
  drawn(hidden: ReadonlySet<DrawnState>): Cell[] {
    const cells: Cell[] = [];
    for (const [lat, lng, counts] of this.byCentre.values()) {
      const countByKind = statesOnMap.map((state) => (hidden.has(state) ? 0 : (counts[state] ?? 0)));
      const count = countByKind.reduce((sum, each) => sum + each, 0);
      if (count > 0) cells.push({ x: worldX(lng), y: worldY(lat), count, countByKind });
    }
    return cells;
  }
}
