import type { SpeedingList } from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import { contactAt, type Vehicle } from '../fold/vehicle.js';
import type { SpeedPeak } from '../motion/motion.js';
import type { QueryParameters } from '../query/query-parameters.js';
import { byIds, listedVehicle, parsePage, type ListPage } from './list-page.js';

const DEFAULT_LIMIT_KMH = 60;
const MAX_LIMIT_KMH = 1_000;
const HOUR_MS = 3_600_000;
const KMH_PER_METER_PER_SECOND = 3.6;

interface SpeedingQuery extends ListPage {
  readonly provider: ProviderFilter;
  readonly overKmh: number;
  readonly window: SpeedingList['window'];
}

/** @throws QueryError if a parameter is invalid */
export function parseSpeedingQuery(parameters: QueryParameters, allowed: ProviderFilter): SpeedingQuery {
  const [window = 'now'] = parameters.choices('window', ['now', 'hour'] as const) ?? [];
  return {
    provider: parameters.provider(allowed),
    overKmh: parameters.integer('over_kmh', {
      default: DEFAULT_LIMIT_KMH,
      minimum: 1,
      maximum: MAX_LIMIT_KMH,
    }),
    window,
    ...parsePage(parameters),
  };
}

/** The vehicles that are faster than a limit, or were within the last hour; the fastest first. */
export function speedingList(city: CityState, query: SpeedingQuery, now: number): SpeedingList {
  const { provider, overKmh, window, offset, limit } = query;
  const found: { vehicle: Vehicle; peak: SpeedPeak }[] = [];
  for (const vehicle of city.vehicles(provider)) {
    const peak = window === 'hour' ? vehicle.motion.fastest(now - HOUR_MS) : speedNow(vehicle, now);
    if (peak !== null && peak.speed * KMH_PER_METER_PER_SECOND > overKmh) found.push({ vehicle, peak });
  }
  found.sort((one, other) => other.peak.speed - one.peak.speed || byIds(one.vehicle, other.vehicle));
  return {
    asOf: now,
    over_kmh: overKmh,
    window,
    total: found.length,
    offset,
    vehicles: found.slice(offset, offset + limit).map(({ vehicle, peak }) => ({
      ...listedVehicle(vehicle, peak, now),
      speed: peak.speed,
      at: peak.at,
    })),
  };
}

/** The newest speed of a vehicle with an event within a minute. */
function speedNow(vehicle: Vehicle, now: number): SpeedPeak | null {
  const { position, heardAt } = vehicle;
  if (position === null || position.speed === null || contactAt(heardAt, now) !== 'live') return null;
  const { lat, lng, speed, timestamp } = position;
  return { lat, lng, speed, at: timestamp };
}
