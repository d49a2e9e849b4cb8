import type { RequestRow, VehicleRow } from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import type { TripFacts } from '../fold/trip.js';
import type { Vehicle } from '../fold/vehicle.js';
import { requestRow, vehicleRow, type ProviderNumbers } from '../views/frame.js';
import { covers, type CellRange } from './grid.js';
import type { Change, DrawnRow, RowsWithin } from './rooms.js';

/** A row of a vehicle, and the number that stands for the vehicle in binary frames. */
interface NumberedRow {
  readonly number: number;
  row: VehicleRow;
}

/**
 * What clients have been sent: the row of every drawn vehicle and waiting rider as of the last tick. Snapshots are taken from here and not
 * from the fold, so that the next frame's changes are also correct for a client that connected between two ticks.
 */
export class Publication {
  private readonly rows = new Map<Vehicle, NumberedRow>();
  private nextNumber = 0;
  private readonly requests = new Map<TripFacts, { providerId: string; row: RequestRow }>();

  constructor(
    private readonly city: CityState,
    private readonly numbers: ProviderNumbers,
  ) {}

  /** Adopts what changed since the last call. Returns the rows that changed, and all vehicles that did. */
  publishChanges(now: number): { changes: Change[]; changed: Vehicle[] } {
    const changed = this.city.takeChangedVehicles();
    const changes: Change[] = [];
    for (const vehicle of changed) {
      const known = this.rows.get(vehicle);
      const before = known?.row ?? null;
      const after = vehicleRow(vehicle, this.numbers.of(vehicle.providerId), now);
      if (isSame(before, after)) continue;
      const number = known?.number ?? this.nextNumber++;
      if (after === null) this.rows.delete(vehicle);
      else if (known === undefined) this.rows.set(vehicle, { number, row: after });
      else known.row = after;
      changes.push({ kind: 'vehicle', providerId: vehicle.providerId, number, before, after });
    }
    this.publishRequests(changes);
    return { changes, changed };
  }

  private publishRequests(changes: Change[]): void {
    for (const { providerId, trip, isActive } of this.city.takeChangedTrips()) {
      const before = this.requests.get(trip)?.row ?? null;
      const after = isActive ? requestRow(trip, this.numbers.of(providerId)) : null;
      if (isSame(before, after)) continue;
      if (after === null) this.requests.delete(trip);
      else this.requests.set(trip, { providerId, row: after });
      changes.push({ kind: 'request', providerId, before, after });
    }
  }

  /** The rows within a range of cells. */
  within(filter: ProviderFilter, range: CellRange): RowsWithin {
    const vehicles: VehicleRow[] = [];
    const numbers: number[] = [];
    for (const [vehicle, { number, row }] of this.rows) {
      if (filter !== null && vehicle.providerId !== filter) continue;
      if (!covers(range, row[1], row[2])) continue;
      vehicles.push(row);
      numbers.push(number);
    }
    const requests: RequestRow[] = [];
    for (const { providerId, row } of this.requests.values()) {
      if (filter !== null && providerId !== filter) continue;
      if (covers(range, row[1], row[2])) requests.push(row);
    }
    return { vehicles, numbers, requests };
  }
}

function isSame(one: DrawnRow | null, other: DrawnRow | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
