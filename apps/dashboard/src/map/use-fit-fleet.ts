import type { FleetExtent, Figures } from '@hailstream/events/live';
import { useCallback, useEffect, useRef, useState } from 'react';
import { type DrawnState, statesOnMap } from '../city-state/drawn-state.js';
import { useDashboard } from '../dashboard.js';
import { filterQuery } from '../city-state/fleet-filter.js';
import { useStore } from '../store.js';

/** The vehicles with recent events in the states that are shown. */
function shownCount(figures: Figures, hidden: ReadonlySet<DrawnState>): number {
  return statesOnMap.reduce((sum, state) => sum + (hidden.has(state) ? 0 : figures.byState[state]), 0);
}

/** How many of the shown vehicles are outside of the visible area; `null` while that is not known. */
export function useOutsideCount(): number | null {
  const { city } = useDashboard();
  const tick = useStore(useStore(city.shown).tick);
  const hidden = useStore(city.hidden);
  const inView = useStore(city.inView);
  const count = useStore(city.count);
  const isFiltered = [useStore(city.battery) !== null, useStore(city.contact) !== 'any'].includes(true);
  if (tick === null || inView === null) return null;
  // The figures have counts by state only.
  if (isFiltered) return count === null ? null : Math.max(0, count.drawn - inView.count);
  return Math.max(0, shownCount(tick.figures, hidden) - inView.count);
}

/** Shows all vehicles in the states and of the provider that are shown. `failure`: why the last attempt failed, if it did. */
export function useFitFleet(show: (extent: FleetExtent) => void): {
  readonly fitFleet: () => void;
  readonly failure: string | null;
} {
  const { city, connection } = useDashboard();
  const [failure, setFailure] = useState<string | null>(null);
  const current = useRef(show);
  useEffect(() => {
    current.current = show;
  });
  const fitFleet = useCallback(() => {
    const [hidden, provider] = [city.hidden.get(), city.provider.get()];
    const [battery, contact] = [city.battery.get(), city.contact.get()];
    const path = `/vehicles/extent?${filterQuery({ hidden, provider, battery, contact })}`;
    void connection.request<FleetExtent>(path).then((answer) => {
      if (answer.kind === 'ok') current.current(answer.body);
      setFailure(answer.kind === 'failed' ? answer.reason : null);
    });
  }, [city, connection]);
  return { fitFleet, failure };
}

/** Calls back once if the page was opened without a part of the map, and none of the vehicles is where the map shows the city. */
export function useVehiclesElsewhere(onElsewhere: () => void): void {
  const { city, view } = useDashboard();
  const isDecided = useRef(false);
  useEffect(() => {
    // The map counts the vehicles in view after each tick.
    const unsubscribe = city.inView.subscribe(() => decide());
    const decide = () => {
      const tick = city.shown.get().tick.get();
      const inView = city.inView.get();
      if (isDecided.current || tick === null || inView?.asOf !== tick.asOf) return;
      if (view.camera.get() === null && city.toReveal.get() === null) {
        if (shownCount(tick.figures, city.hidden.get()) === 0) return;
        if (inView.count === 0) onElsewhere();
      }
      isDecided.current = true;
      unsubscribe();
    };
    decide();
    return unsubscribe;
  }, [city, view, onElsewhere]);
}
