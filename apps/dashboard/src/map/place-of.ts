import type { SearchResult, VehicleDetail, VehicleQuery } from '@hailstream/events/live';
import type { CityContents } from '../city-state/city-contents.js';
import { isVehicleRef } from '../city-state/fleet.js';
import type { Place } from '../city-state/mercator.js';
import type { TripRef } from '../city-state/waiting-riders.js';

/**
 * Where a vehicle or the pickup of a trip is; `null` while it is not known. The service sends the place of what is selected
 * even if it is outside of the map.
 */
export function placeOf(
  what: VehicleQuery | TripRef,
  known: {
    contents: CityContents;
    detail: VehicleDetail | null;
    trip: (SearchResult & { kind: 'trip' }) | null;
  },
): Place | null {
  const { contents, detail, trip } = known;
  if ('tripId' in what) {
    return contents.waiting.rider(what) ?? (trip?.trip_id === what.tripId ? trip.pickup : null);
  }
  const drawn = isVehicleRef(what) ? contents.fleet.vehicle(what) : undefined;
  if (drawn !== undefined) return drawn;
  return detail?.device_id === what.deviceId ? detail.location : null;
}
