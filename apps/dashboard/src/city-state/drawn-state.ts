import type { VehicleRow } from '@hailstream/events/live';

type VehicleState = NonNullable<VehicleRow[5]>;

/** The state of a vehicle as shown; `unknown` for a vehicle with positions and no event. */
export type DrawnState = VehicleState | 'unknown';

/** The states that have a mark, in the order in which they are drawn: later marks cover earlier ones. */
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

/** The states that are counted but not drawn. */
export const statesOffMap = ['elsewhere', 'removed'] as const satisfies readonly DrawnState[];

export function toDrawnState(state: VehicleState | null): DrawnState {
  return state ?? 'unknown';
}

export function isOnMap(state: DrawnState): state is StateOnMap {
  return state !== 'elsewhere' && state !== 'removed';
}
