import { vehicleStates, type VehicleState } from '@hailstream/events';
import type { StillnessList } from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import { contactAt, type Vehicle } from '../fold/vehicle.js';
import { BUCKET_MS } from '../motion/motion.js';
import type { QueryParameters } from '../query/query-parameters.js';
import { byIds, listedVehicle, parsePage, type ListPage } from './list-page.js';

/** Maximum distance of earlier positions of a stationary vehicle from its current one, in each direction of the compass. */
const STILL_METERS = 50;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const DEFAULT_MINUTES = 10;
const MIN_MINUTES = 2;
const MAX_MINUTES = 60;

interface StillnessQuery extends ListPage {
  readonly provider: ProviderFilter;
  readonly minutes: number;
  /** `null` selects all states. */
  readonly states: ReadonlySet<VehicleState | 'unknown'> | null;
}

/** @throws QueryError if a parameter is invalid */
export function parseStillnessQuery(parameters: QueryParameters, allowed: ProviderFilter): StillnessQuery {
  const states = parameters.choices('state', [...vehicleStates, 'unknown']);
  return {
    provider: parameters.provider(allowed),
    minutes: parameters.integer('minutes', {
      default: DEFAULT_MINUTES,
      minimum: MIN_MINUTES,
      maximum: MAX_MINUTES,
    }),
    states: states === undefined ? null : new Set(states),
    ...parsePage(parameters),
  };
}

/** The vehicles that have stood still for some minutes and are not silent; the longest first. */
export function stillnessList(city: CityState, query: StillnessQuery, now: number): StillnessList {
  const { provider, minutes, states, offset, limit } = query;
  const byState: Partial<Record<VehicleState | 'unknown', number>> = {};
  const found: { vehicle: Vehicle; since: number }[] = [];
  for (const vehicle of city.vehicles(provider)) {
    const since = stillSince(vehicle, { now, minutes });
    if (since === null) continue;
    const state = vehicle.state ?? 'unknown';
    byState[state] = (byState[state] ?? 0) + 1;
    if (states === null || states.has(state)) found.push({ vehicle, since });
  }
  found.sort((one, other) => one.since - other.since || byIds(one.vehicle, other.vehicle));
  return {
    asOf: now,
    minutes,
    byState,
    total: found.length,
    offset,
    vehicles: found.slice(offset, offset + limit).map(({ vehicle, since }) => ({
      ...listedVehicle(vehicle, vehicle.position!, now),
      still_since: since,
    })),
  };
}

/** Since when a vehicle stands still, if that is at least `minutes`. */
function stillSince(
  vehicle: Vehicle,
  { now, minutes }: { readonly now: number; readonly minutes: number },
): number | null {
  const { position } = vehicle;
  if (position === null || contactAt(vehicle.heardAt, now) === 'silent') return null;
  const latest = now - minutes * MINUTE_MS;
  const byIntervals = vehicle.motion.nearSince(position, { meters: STILL_METERS, from: now - HOUR_MS });
  if (byIntervals !== null && byIntervals <= latest) return byIntervals;
  // It stopped within the interval before at the earliest. The trail has when, if that is not too long ago.
  if ((byIntervals ?? now) - BUCKET_MS > latest) return null;
  const byTrail = vehicle.trail.nearSince(position, STILL_METERS);
  return byTrail !== null && byTrail <= latest ? byTrail : null;
}
