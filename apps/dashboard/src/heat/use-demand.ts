import type { DemandMap, Viewport } from '@hailstream/events/live';
import { useEffect } from 'react';
import { useDashboard } from '../dashboard.js';
import { useMomentQuery } from '../use-moment-query.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { areaOf, resolutionOf } from './demand-area.js';

const REFRESH_EVERY_MS = 5_000;

/** Keeps the map of demand up to date while it is shown. */
export function useDemand(): void {
  const { city, view } = useDashboard();
  const isChosen = useStore(view.heat) !== 'none';
  const minutes = useStore(view.heatMinutes);
  const provider = useStore(city.provider);
  const viewport = useStore(city.viewport);
  const moment = useMomentQuery();
  const path = isChosen && viewport !== null ? pathOf(viewport, { minutes, provider }) : null;
  const { body, failure } = useRequest<DemandMap>(
    path === null ? null : path + moment,
    moment === '' ? REFRESH_EVERY_MS : null,
  );
  useEffect(() => {
    city.demand.set(path === null ? null : body);
    city.demandFailure.set(failure);
  }, [city, path, body, failure]);
}

function pathOf(
  viewport: Viewport,
  { minutes, provider }: { readonly minutes: number; readonly provider: string | null },
): string {
  const parameters = new URLSearchParams({
    resolution: String(resolutionOf(viewport, innerWidth)),
    minutes: String(minutes),
    bbox: areaOf(viewport),
  });
  if (provider !== null) parameters.set('provider_id', provider);
  return `/demand?${parameters}`;
}
