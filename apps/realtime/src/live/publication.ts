import type { VehicleRow } from '@hailstream/events/live';
import type { CityState, Scope } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { covers, type CellRange } from './grid.js';
import type { Change } from './rooms.js';

/**
 * What clients have been told: every drawn vehicle as of the last tick. Snapshots are of this and not of the fold, so
 * that what the next frame says has changed or gone is true for a client that came in between, too.
 */
export class Publication {
  private readonly rows = new Map<Vehicle, VehicleRow>();

  constructor(private readonly city: CityState) {}

  /** Takes over what has changed since the last call: the changes to what is drawn, and all vehicles touched. */
  advance(now: number): { changes: Change[]; touched: Vehicle[] } {
    const touched = this.city.takeTouched();
    const changes: Change[] = [];
    for (const vehicle of touched) {
      const before = this.rows.get(vehicle) ?? null;
      const after = vehicle.row(now);
      if (isSame(before, after)) continue;
      if (after === null) this.rows.delete(vehicle);
      else this.rows.set(vehicle, after);
      changes.push({ providerId: vehicle.providerId, before, after });
    }
    return { changes, touched };
  }

  /** What is drawn within a range of cells. */
  within(scope: Scope, range: CellRange): VehicleRow[] {
    const found: VehicleRow[] = [];
    for (const [vehicle, row] of this.rows) {
      if (scope !== null && vehicle.providerId !== scope) continue;
      if (covers(range, row[1], row[2])) found.push(row);
    }
    return found;
  }

  /** Vehicles drawn. */
  get size(): number {
    return this.rows.size;
  }
}

function isSame(one: VehicleRow | null, other: VehicleRow | null): boolean {
  return one === other || (one !== null && other !== null && one.every((value, at) => value === other[at]));
}
