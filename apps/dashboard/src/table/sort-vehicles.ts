import type { Vehicle } from '../city-state/fleet.js';
import { shortId } from '../format.js';

const tableColumns = ['deviceId', 'state', 'contact', 'speed', 'heading', 'lat', 'lng'] as const;
export type TableColumn = (typeof tableColumns)[number];

export interface TableOrder {
  readonly column: TableColumn;
  readonly direction: 'ascending' | 'descending';
}

/** Sorts vehicles. Unknown values come last in both directions; equal values are ordered by id. */
export function sortVehicles(vehicles: readonly Vehicle[], { column, direction }: TableOrder): Vehicle[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return vehicles.toSorted((a, b) => {
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    if (left === right) {
      return compare(shortId(a.deviceId), shortId(b.deviceId)) || compare(a.providerId, b.providerId);
    }
    if (left === null) return 1;
    if (right === null) return -1;
    return sign * compare(left, right);
  });
}

/** The other direction of the same column, or the first one of another. */
export function nextOrder(order: TableOrder, column: TableColumn): TableOrder {
  const turned = order.direction === 'ascending' ? 'descending' : 'ascending';
  return { column, direction: order.column === column ? turned : 'ascending' };
}

function valueOf(vehicle: Vehicle, column: TableColumn): string | number | null {
  return column === 'deviceId' ? shortId(vehicle.deviceId) : vehicle[column];
}

function compare(left: string | number, right: string | number): number {
  return left < right ? -1 : Number(left > right);
}
