import { vehicleStates, type VehicleState } from '@hailstream/events';
import type { Viewport } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { isWithin } from '../live/grid.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseBbox } from './bbox.js';

/** Maximum number of vehicles in one response. */
export const MAX_VEHICLES_LISTED = 100_000;

/** Characters of an id that pages show: UUIDs of version 7 differ at the end. */
const SHORT_ID_LENGTH = 6;

/** What vehicles can be sorted by. `null` is unknown. */
const sortKeys = {
  short_id: ({ deviceId }) => deviceId.slice(-SHORT_ID_LENGTH),
  device_id: ({ deviceId }) => deviceId,
  provider_id: ({ providerId }) => providerId,
  vehicle_state: ({ state }) => state,
  state_since: ({ events }) => events.stateSince,
  heard_at: ({ heardAt }) => heardAt,
  speed: ({ position }) => position?.speed ?? null,
  heading: ({ position }) => position?.heading ?? null,
  lat: ({ position }) => position?.lat ?? null,
  lng: ({ position }) => position?.lng ?? null,
} satisfies Readonly<Record<string, (vehicle: Vehicle) => string | number | null>>;
type SortKey = keyof typeof sortKeys;

/** The vehicles that a request selects. */
export interface VehicleSelection {
  readonly provider: ProviderFilter;
  readonly bbox: Viewport | null;
  /** `null` selects all states. */
  readonly states: ReadonlySet<VehicleState | 'unknown'> | null;
}

export interface VehicleQuery extends VehicleSelection {
  readonly sort: { readonly key: SortKey; readonly isDescending: boolean } | null;
  readonly offset: number;
  /** `null` if the request has no limit. */
  readonly limit: number | null;
}

/** @throws QueryError if a parameter is invalid */
export function parseVehicleSelection(
  parameters: QueryParameters,
  allowed: ProviderFilter,
): VehicleSelection {
  const bbox = parameters.text('bbox', 200);
  const states = parameters.choices('state', [...vehicleStates, 'unknown']);
  return {
    provider: parameters.provider(allowed),
    bbox: bbox === undefined ? null : parseBbox(bbox),
    states: states === undefined ? null : new Set(states),
  };
}

/** @throws QueryError if a parameter is invalid */
export function parseVehicleQuery(parameters: QueryParameters, allowed: ProviderFilter): VehicleQuery {
  const sort = parameters.text('sort', 50);
  const keys = Object.keys(sortKeys) as SortKey[];
  const [key] =
    sort === undefined
      ? []
      : (parameters.choices('sort', [...keys, ...keys.map((name) => `-${name}`)]) ?? []);
  const hasLimit = parameters.text('limit', 20) !== undefined;
  return {
    ...parseVehicleSelection(parameters, allowed),
    sort:
      key === undefined ? null : { key: key.replace(/^-/, '') as SortKey, isDescending: key.startsWith('-') },
    offset: parameters.integer('offset', { default: 0, minimum: 0, maximum: 10_000_000 }),
    limit: hasLimit
      ? parameters.integer('limit', { default: 100, minimum: 1, maximum: MAX_VEHICLES_LISTED })
      : null,
  };
}

/** Whether a vehicle has a position and is selected. */
export function isSelected(vehicle: Vehicle, { bbox, states }: VehicleSelection): boolean {
  if (states !== null && !states.has(vehicle.state ?? 'unknown')) return false;
  const { position } = vehicle;
  return position !== null && (bbox === null || isWithin(bbox, position.lat, position.lng));
}

/** Sorts vehicles. Unknown values come last in both directions; equal values are ordered by provider and device id. */
export function sortVehicles(
  vehicles: readonly Vehicle[],
  sort: NonNullable<VehicleQuery['sort']>,
): Vehicle[] {
  const valueOf: (vehicle: Vehicle) => string | number | null = sortKeys[sort.key];
  const sign = sort.isDescending ? -1 : 1;
  return vehicles
    .map((vehicle) => ({ vehicle, value: valueOf(vehicle) }))
    .sort((one, other) => {
      if (one.value === other.value) return byId(one.vehicle, other.vehicle);
      if (one.value === null) return 1;
      if (other.value === null) return -1;
      return sign * compare(one.value, other.value);
    })
    .map(({ vehicle }) => vehicle);
}

function byId(one: Vehicle, other: Vehicle): number {
  return compare(one.providerId, other.providerId) || compare(one.deviceId, other.deviceId);
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : Number(one > other);
}
