import type { CityState } from '../fold/city-state.js';
import type { ZoneBook } from '../geofences/zone-book.js';
import type { CityReader } from './conditions.js';

/** What rules read of the city and its zones. */
export class CityRules {
  constructor(
    private readonly city: CityState,
    private readonly zones: ZoneBook,
  ) {}

  at(now: number): CityReader {
    const { city, zones } = this;
    return {
      now,
      vehicles: (providerId) => city.vehicles(providerId),
      vehicle: (providerId, deviceId) => city.vehicle({ providerId, deviceId }),
      *waiting(providerId) {
        for (const { requestedAt, pickup } of city.waitingTrips(providerId)) {
          if (requestedAt !== null && pickup !== null)
            yield { requestedAt, lat: pickup.lat, lng: pickup.lng };
        }
      },
      feeds: (providerId) => city.feeds(providerId),
      zone: (zoneId) => zones.zone(zoneId),
      visits: (zone) => zones.visits(zone),
    };
  }
}
