import type { VehicleRef } from '@hailstream/events/live';
import { useMemo } from 'react';
import type { TripRef } from './city-state/waiting-riders.js';
import { useDashboard } from './dashboard.js';

interface Navigation {
  readonly openList: () => void;
  readonly openTrip: (trip: TripRef) => void;
  /** `day`: as in the address; `null` is the last 24 hours. */
  readonly openVehicle: (vehicle: VehicleRef, day?: string | null) => void;
  /** Shows a moment of the past on the map, with a vehicle selected if there is one. */
  readonly showMoment: (at: number, vehicle: VehicleRef | null) => void;
  /** Leaves the page of a trip or vehicle. */
  readonly leave: () => void;
}

/** The ways between the map, the list of trips, and the pages of a trip and a vehicle. */
export function useNavigation(): Navigation {
  const { city, history, view } = useDashboard();
  return useMemo(() => {
    const remember = (): void => {
      const page = view.page.get();
      if (page !== 'trip' && page !== 'vehicle') view.origin = page;
    };
    return {
      openList: () => view.page.set('trips'),
      openTrip: (trip) => {
        remember();
        city.selectTrip(trip);
        // The map shows the route instead.
        city.toReveal.set(null);
        view.page.set('trip');
      },
      openVehicle: (vehicle, day = null) => {
        remember();
        city.select(vehicle);
        view.day.set(day);
        view.page.set('vehicle');
      },
      showMoment: (at, vehicle) => {
        city.select(vehicle);
        history.at.set(at);
        view.page.set('map');
      },
      leave: () => view.page.set(view.origin),
    };
  }, [city, history, view]);
}
