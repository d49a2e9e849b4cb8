import { createRequire } from 'node:module';
import type { DemandCell, DemandMap, Viewport } from '@hailstream/events/live';
import type * as H3 from 'h3-js';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import { TRIP_KEPT_MS } from '../fold/fleet-trips.js';
import { contactAt } from '../fold/vehicle.js';
import { isWithin } from '../live/grid.js';
import { QueryError, type QueryParameters } from '../query/query-parameters.js';
import { parseBbox } from '../vehicles/bbox.js';

let loaded: typeof H3 | null = null;

/** Loaded when it is first used: it is a megabyte of code, and a start does not need it. */
function h3(): typeof H3 {
  return (loaded ??= createRequire(import.meta.url)('h3-js') as typeof H3);
}

/** Resolutions of H3: cells with edges of 27 km to 76 m. */
const MIN_RESOLUTION = 4;
const MAX_RESOLUTION = 10;
const DEFAULT_RESOLUTION = 8;

const MAX_MINUTES = 60;
const DEFAULT_MINUTES = 15;

/** Maximum number of cells in a response. */
export const MAX_CELLS = 5_000;

const MINUTE_MS = 60_000;

/** Corners are rounded to this part of a degree, which is 1 m. */
const DEGREE_PARTS = 100_000;

interface DemandQuery {
  readonly provider: ProviderFilter;
  readonly resolution: number;
  readonly minutes: number;
  readonly bbox: Viewport | null;
}

/** @throws QueryError if a parameter is invalid */
export function parseDemandQuery(parameters: QueryParameters, allowed: ProviderFilter): DemandQuery {
  const bbox = parameters.text('bbox', 200);
  return {
    provider: parameters.provider(allowed),
    resolution: parameters.integer('resolution', {
      default: DEFAULT_RESOLUTION,
      minimum: MIN_RESOLUTION,
      maximum: MAX_RESOLUTION,
    }),
    minutes: parameters.integer('minutes', { default: DEFAULT_MINUTES, minimum: 1, maximum: MAX_MINUTES }),
    bbox: bbox === undefined ? null : parseBbox(bbox),
  };
}

interface Counts {
  requests: number;
  waiting: number;
  available: number;
}

/**
 * Ride requests of the last minutes, riders who wait, and available vehicles that are not silent, per H3 cell. A cell belongs to
 * the area of the query if its centre does, and is then counted as a whole.
 *
 * @throws QueryError if more than {@link MAX_CELLS} cells have something to count
 */
export function demandMap(city: CityState, query: DemandQuery, now: number): DemandMap {
  const { provider, resolution, minutes } = query;
  const { latLngToCell } = h3();
  const counts = new Map<string, Counts>();
  const of = ({ lat, lng }: { readonly lat: number; readonly lng: number }): Counts => {
    const cell = latLngToCell(lat, lng, resolution);
    const known = counts.get(cell) ?? { requests: 0, waiting: 0, available: 0 };
    counts.set(cell, known);
    return known;
  };
  for (const { trip } of city.trips(provider)) {
    const { pickup, requestedAt, heardAt, stage } = trip;
    if (pickup === null || requestedAt === null) continue;
    const isRecent = requestedAt > now - minutes * MINUTE_MS && requestedAt <= now;
    const isWaiting = stage === 'requested' && now - heardAt < TRIP_KEPT_MS;
    if (!isRecent && !isWaiting) continue;
    const cell = of(pickup);
    if (isRecent) cell.requests += 1;
    if (isWaiting) cell.waiting += 1;
  }
  for (const { state, position, heardAt } of city.vehicles(provider)) {
    if (state !== 'available' || position === null || contactAt(heardAt, now) === 'silent') continue;
    of(position).available += 1;
  }
  return { asOf: now, resolution, minutes, cells: cellsOf(counts, query) };
}

function cellsOf(counts: ReadonlyMap<string, Counts>, { bbox }: DemandQuery): DemandCell[] {
  const { cellToLatLng, gridDisk } = h3();
  const inside = [...counts].filter(([cell]) => {
    if (bbox === null) return true;
    const [lat, lng] = cellToLatLng(cell);
    return isWithin(bbox, lat, lng);
  });
  if (inside.length > MAX_CELLS) {
    throw new QueryError(
      'resolution',
      `${inside.length} cells, more than ${MAX_CELLS}: request a lower resolution or a smaller bbox`,
    );
  }
  return inside
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([cell, { requests, waiting, available }]) => {
      const nearby = gridDisk(cell, 1).reduce((sum, near) => sum + (counts.get(near)?.available ?? 0), 0);
      return [cell, requests, waiting, available, nearby, cornersOf(cell)];
    });
}

function cornersOf(cell: string): number[] {
  const { cellToBoundary } = h3();
  return cellToBoundary(cell)
    .flat()
    .map((degrees) => Math.round(degrees * DEGREE_PARTS) / DEGREE_PARTS);
}
