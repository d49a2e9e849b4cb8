import type { VehicleRow } from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { vehicleRow, type ProviderNumbers } from '../views/frame.js';
import { covers, type CellRange } from './grid.js';
import type { Change } from './rooms.js';

/**
 * What clients have been sent: the row of every drawn vehicle as of the last tick. Snapshots are taken from here and not
 * from the fold, so that the next frame's changes are also correct for a client that connected between two ticks.
 */
export class Publication {
  private readonly rows = new Map<Vehicle, VehicleRow>();

  constructor(
    private readonly city: CityState,
    private readonly numbers: ProviderNumbers,
  ) {}

  /** Adopts what changed since the last call. Returns the rows that changed, and all vehicles that did. */
  publishChanges(now: number): { changes: Change[]; changed: Vehicle[] } {
    const changed = this.city.takeChangedVehicles();
    const changes: Change[] = [];
    for (const vehicle of changed) {
      const before = this.rows.get(vehicle) ?? null;
      const after = vehicleRow(vehicle, this.numbers.of(vehicle.providerId), now);
      if (isSame(before, after)) continue;
      if (after === null) this.rows.delete(vehicle);
      else this.rows.set(vehicle, after);
      changes.push({ providerId: vehicle.providerId, before, after });
    }
    return { changes, changed };
  }

  /** The rows within a range of cells. */
  within(filter: ProviderFilter, range: CellRange): VehicleRow[] {
    const found: VehicleRow[] = [];
    for (const [vehicle, row] of this.rows) {
      if (filter !== null && vehicle.providerId !== filter) continue;
      if (covers(range, row[1], row[2])) found.push(row);
    }
    return found;
  }
}

function isSame(one: VehicleRow | null, other: VehicleRow | null): boolean {
  return one === other || (one !== null && other !== null && one.every((value, at) => value === other[at]));
}
