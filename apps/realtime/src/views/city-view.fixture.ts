import type { CityState } from '../fold/city-state.js';
import { OTHER_PROVIDER, PROVIDER } from '../fold/events.fixture.js';
import { vehicleRow } from './frame.js';
import { vehicleDetail } from './vehicle-detail.js';

/** The state of the city, without the counts of records, which include repeated ones. */
export function stateOf(city: CityState, now: number) {
  const filters = [null, PROVIDER, OTHER_PROVIDER] as const;
  const vehicles = [...city.vehicles(null)].toSorted((a, b) =>
    `${a.providerId}${a.deviceId}` < `${b.providerId}${b.deviceId}` ? -1 : 1,
  );
  city.advance(now);
  const summaries = filters.map((filter) => city.summary(filter)!);
  return {
    figures: summaries.map(({ figures }) => ({ ...figures, eventsPerSecond: 0 })),
    totals: summaries.map(({ totals }) => ({ ...totals, eventsSeen: 0 })),
    rows: vehicles.map((vehicle) => [vehicle.providerId, vehicleRow(vehicle, 0, now)]),
    trips: [...city.trips(null)]
      .map(({ providerId, trip }) => ({
        id: `${providerId}${trip.tripId}`,
        stage: trip.stage,
        heardAt: trip.heardAt,
        deviceId: trip.deviceId,
        pickup: trip.pickup,
        destination: trip.destination,
        lastRiderEvent: trip.lastRiderEvent,
        cancelledAt: trip.cancelledAt,
      }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    details: vehicles.map((vehicle) => vehicleDetail(city, vehicle, now)),
  };
}
