import type { FleetCount } from '@hailstream/events/live';
import { useEffect } from 'react';
import { useDashboard } from '../dashboard.js';
import { useMomentQuery } from '../use-moment-query.js';
import { useDerived, useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { filterQuery, hidesAll, type FleetFilter } from '../city-state/fleet-filter.js';

/** How often the vehicles that match are counted again. */
const REFRESH_EVERY_MS = 2_000;

/** The filter that is chosen. */
export function useFleetFilter(): FleetFilter {
  const { city } = useDashboard();
  return {
    hidden: useStore(city.hidden),
    provider: useStore(city.provider),
    battery: useStore(city.battery),
    contact: useStore(city.contact),
  };
}

/** Keeps the count of the vehicles that match up to date, while a filter is chosen. */
export function useFleetCount(): void {
  const { city, connection } = useDashboard();
  const filter = useFleetFilter();
  const moment = useMomentQuery();
  const isConnected = useStore(connection.state).kind === 'connected';
  const hasCity = useDerived(city.live.tick, (tick) => tick !== null);
  const isFiltered = filter.hidden.size > 0 || filter.battery !== null || filter.contact !== 'any';
  const isCounted = isFiltered && isConnected && hasCity && !hidesAll(filter);
  const { body } = useRequest<FleetCount>(
    isCounted ? `/vehicles/count?${filterQuery(filter)}${moment}` : null,
    moment === '' ? REFRESH_EVERY_MS : null,
  );
  useEffect(() => city.count.set(isCounted ? body : null), [city, isCounted, body]);
}
