import { vehicleStates, type VehicleState } from '@hailstream/events';
import type { Contact, Viewport } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import { contactAt, type Vehicle } from '../fold/vehicle.js';
import { isWithin } from '../live/grid.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseBbox } from './bbox.js';

/** Maximum number of vehicles in one response. */
export const MAX_VEHICLES_LISTED = 100_000;

const SORTED_AT_ONCE = 2_048;

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
  battery_percent: ({ batteryPercent }) => batteryPercent,
  lat: ({ position }) => position?.lat ?? null,
  lng: ({ position }) => position?.lng ?? null,
} satisfies Readonly<Record<string, (vehicle: Vehicle) => string | number | null>>;
type SortKey = keyof typeof sortKeys;
export const SORT_KEYS = Object.keys(sortKeys) as SortKey[];

/** The vehicles that a request selects. */
export interface VehicleSelection {
  readonly provider: ProviderFilter;
  readonly bbox: Viewport | null;
  /** `null` selects all states. */
  readonly states: ReadonlySet<VehicleState | 'unknown'> | null;
  /** `null` selects all, silent vehicles included. */
  readonly contacts: ReadonlySet<Contact> | null;
  /** In percent. `null` selects all; otherwise, vehicles whose level is not known are not selected. */
  readonly batteryBelow: number | null;
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
  const contacts = parameters.choices<Contact>('contact', ['live', 'stale', 'silent']);
  const hasBattery = parameters.text('battery_below', 20) !== undefined;
  return {
    provider: parameters.provider(allowed),
    bbox: bbox === undefined ? null : parseBbox(bbox),
    states: states === undefined ? null : new Set(states),
    contacts: contacts === undefined ? null : new Set(contacts),
    batteryBelow: hasBattery
      ? parameters.integer('battery_below', { default: 100, minimum: 1, maximum: 100 })
      : null,
  };
}

/** @throws QueryError if a parameter is invalid */
export function parseVehicleQuery(parameters: QueryParameters, allowed: ProviderFilter): VehicleQuery {
  const sort = parameters.text('sort', 50);
  const [key] =
    sort === undefined
      ? []
      : (parameters.choices('sort', [...SORT_KEYS, ...SORT_KEYS.map((name) => `-${name}` as const)]) ?? []);
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
export function isSelected(vehicle: Vehicle, selection: VehicleSelection, now: number): boolean {
  const { bbox, states, contacts, batteryBelow } = selection;
  if (states !== null && !states.has(vehicle.state ?? 'unknown')) return false;
  if (contacts !== null && !contacts.has(contactAt(vehicle.heardAt, now))) return false;
  const { batteryPercent, position } = vehicle;
  if (batteryBelow !== null && (batteryPercent === null || batteryPercent >= batteryBelow)) return false;
  return position !== null && (bbox === null || isWithin(bbox, position.lat, position.lng));
}

/** Whether a vehicle with a position has a mark on the map. */
export function isDrawn(vehicle: Vehicle, now: number): boolean {
  const { state, position } = vehicle;
  if (position === null || state === 'elsewhere' || state === 'removed') return false;
  return contactAt(vehicle.heardAt, now) !== 'silent';
}

/**
 * Sorts vehicles, in steps of some milliseconds. Unknown values come last in both directions; equal values are ordered by provider
 * and device id.
 */
export function* sortVehicles(
  vehicles: readonly Vehicle[],
  sort: NonNullable<VehicleQuery['sort']>,
): Generator<void, Vehicle[]> {
  const valueOf: (vehicle: Vehicle) => string | number | null = sortKeys[sort.key];
  const sign = sort.isDescending ? -1 : 1;
  const order = (one: Keyed, other: Keyed): number => {
    if (one.value === other.value) return byId(one.vehicle, other.vehicle);
    if (one.value === null) return 1;
    if (other.value === null) return -1;
    return sign * compare(one.value, other.value);
  };
  // Vehicles change between the steps: their values are those of the first one.
  const keyed = vehicles.map((vehicle) => ({ vehicle, value: valueOf(vehicle) }));
  let runs: Keyed[][] = [];
  for (let at = 0; at < keyed.length; at += SORTED_AT_ONCE) {
    runs.push(keyed.slice(at, at + SORTED_AT_ONCE).sort(order));
    yield;
  }
  while (runs.length > 1) {
    const merged: Keyed[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(yield* merge(runs[at]!, runs[at + 1] ?? [], order));
    runs = merged;
  }
  return (runs[0] ?? []).map(({ vehicle }) => vehicle);
}

interface Keyed {
  readonly vehicle: Vehicle;
  readonly value: string | number | null;
}

/** Merges two sorted lists. */
function* merge(
  one: readonly Keyed[],
  other: readonly Keyed[],
  order: (one: Keyed, other: Keyed) => number,
): Generator<void, Keyed[]> {
  const merged: Keyed[] = [];
  let [at, otherAt] = [0, 0];
  while (at < one.length && otherAt < other.length) {
    merged.push(order(one[at]!, other[otherAt]!) <= 0 ? one[at++]! : other[otherAt++]!);
    if (merged.length % SORTED_AT_ONCE === 0) yield;
  }
  return merged.concat(one.slice(at), other.slice(otherAt));
}

function byId(one: Vehicle, other: Vehicle): number {
  return compare(one.providerId, other.providerId) || compare(one.deviceId, other.deviceId);
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : Number(one > other);
}
