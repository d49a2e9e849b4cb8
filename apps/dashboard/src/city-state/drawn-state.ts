import type { VehicleRow } from '@hailstream/events/live';

type VehicleState = NonNullable<VehicleRow[5]>;

/** A vehicle's state as the page tells it: of those with positions and no event yet, it is not known. */
export type DrawnState = VehicleState | 'unknown';

/** The states that have a mark, those to be seen first last: later marks lie over earlier ones. */
export const statesOnMap = [
  'non_operational',
  'unknown',
  'non_contactable',
  'stopped',
  'available',
  'reserved',
  'on_trip',
] as const satisfies readonly DrawnState[];
export type StateOnMap = (typeof statesOnMap)[number];

/** The states in which a vehicle is none of the city's business: counted, not drawn. */
export const statesOffMap = ['elsewhere', 'removed'] as const satisfies readonly DrawnState[];

export function toDrawnState(state: VehicleState | null): DrawnState {
  return state ?? 'unknown';
}

export function isOnMap(state: DrawnState): state is StateOnMap {
  return state !== 'elsewhere' && state !== 'removed';
}
