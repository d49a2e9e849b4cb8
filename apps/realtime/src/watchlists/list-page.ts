import { contactAt, type Vehicle } from '../fold/vehicle.js';
import type { QueryParameters } from '../query/query-parameters.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const MAX_OFFSET = 10_000_000;

/** The part of a list that a request selects. */
export interface ListPage {
  readonly offset: number;
  readonly limit: number;
}

/** @throws QueryError if a parameter is invalid */
export function parsePage(parameters: QueryParameters): ListPage {
  return {
    offset: parameters.integer('offset', { default: 0, minimum: 0, maximum: MAX_OFFSET }),
    limit: parameters.integer('limit', { default: DEFAULT_LIMIT, minimum: 1, maximum: MAX_LIMIT }),
  };
}

/** What both lists have of a vehicle. */
export function listedVehicle(
  vehicle: Vehicle,
  { lat, lng }: { readonly lat: number; readonly lng: number },
  now: number,
) {
  const { deviceId, providerId, state, heardAt } = vehicle;
  const contact = contactAt(heardAt, now);
  return { device_id: deviceId, provider_id: providerId, vehicle_state: state, contact, lat, lng };
}

/** Orders vehicles of equal rank by provider and device id. */
export function byIds(one: Vehicle, other: Vehicle): number {
  const [first, second] = [one, other].map(({ providerId, deviceId }) => `${providerId}${deviceId}`);
  return first! < second! ? -1 : 1;
}
