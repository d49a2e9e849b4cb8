import type { CityState } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { OTHER_PROVIDER, PROVIDER } from '../fold/events.fixture.js';
import { QUARTER_MS } from '../motion/motion.js';
import { TripTally } from '../tally/trip-tally.js';
import { vehicleRow } from './frame.js';
import { vehicleDetail } from './vehicle-detail.js';

/** The state of the city, without the counts of records, which include repeated ones, and those since the process started. */
export function stateOf(city: CityState, now: number) {
  const filters = [null, PROVIDER, OTHER_PROVIDER] as const;
  const vehicles = [...city.vehicles(null)].toSorted((a, b) =>
    `${a.providerId}${a.deviceId}` < `${b.providerId}${b.deviceId}` ? -1 : 1,
  );
  city.advance(now);
  const summaries = filters.map((filter) => city.summary(filter)!);
  return {
    figures: summaries.map(({ figures: { tripsOverQuota: _, ...figures } }) => ({
      ...figures,
      eventsPerSecond: 0,
    })),
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
        times: { ...trip.times },
      }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    details: vehicles.map((vehicle) => vehicleDetail(city, vehicle, now)),
    motions: vehicles.map((vehicle) => motionOf(vehicle, now)),
    counts: filters.map((filter) => countsOf(city, filter, now)),
  };
}

function motionOf({ batteryPercent, motion, position }: Vehicle, now: number) {
  const minute = Math.floor(now / 60_000);
  const quarter = Math.floor(now / QUARTER_MS);
  return {
    batteryPercent,
    fastest: motion.fastest(now - 3_600_000),
    nearSince: position && motion.nearSince(position, { meters: 50, from: now - 3_600_000 }),
    minutes: Array.from({ length: 70 }, (_, back) => motion.wasHeardInMinute(minute - back)),
    quarters: Array.from({ length: 192 }, (_, back) => motion.wasHeardInQuarter(quarter - back)),
  };
}

function countsOf(city: CityState, filter: string | null, now: number) {
  const counts = new TripTally(QUARTER_MS);
  city.countTrips(counts, { filter, asOf: now });
  return Array.from({ length: 192 }, (_, back) => counts.at(now - back * QUARTER_MS));
}
