import type { CityState, ProviderFilter } from '../fold/city-state.js';
import { demandMap, parseDemandQuery } from '../demand/demand.js';
import type { CityRead, CityReads } from '../history/worker-protocol.js';
import { kpis, parseKpiQuery } from '../kpis/kpis.js';
import type { QueryParameters } from '../query/query-parameters.js';
import { fleetCount } from '../vehicles/fleet-count.js';
import { parseVehicleSelection } from '../vehicles/vehicle-query.js';
import { parseSpeedingQuery, speedingList } from '../watchlists/speeding.js';
import { parseStillnessQuery, stillnessList } from '../watchlists/stillness.js';

interface ReadRequest {
  readonly parameters: QueryParameters;
  /** The provider that the token is limited to. */
  readonly allowed: ProviderFilter;
  /** The time that the city was advanced to. */
  readonly now: number;
}

const reads: { readonly [Name in CityRead]: (city: CityState, request: ReadRequest) => CityReads[Name] } = {
  count: (city, { parameters, allowed, now }) =>
    fleetCount(city, parseVehicleSelection(parameters, allowed), now),
  demand: (city, { parameters, allowed, now }) => demandMap(city, parseDemandQuery(parameters, allowed), now),
  kpis: (city, { parameters, allowed, now }) => kpis(city, parseKpiQuery(parameters, allowed), now),
  speeding: (city, { parameters, allowed, now }) =>
    speedingList(city, parseSpeedingQuery(parameters, allowed), now),
  stillness: (city, { parameters, allowed, now }) =>
    stillnessList(city, parseStillnessQuery(parameters, allowed), now),
};

/**
 * What is read of a city, of the present or of a moment of the past.
 *
 * @throws QueryError if a parameter is invalid
 */
export function readCity<Name extends CityRead>(
  name: Name,
  city: CityState,
  request: ReadRequest,
): CityReads[Name] {
  return reads[name](city, request);
}
