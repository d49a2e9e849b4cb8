import type { VehicleDetail, VehicleSummary } from '@hailstream/events/live';
import type { CityState } from '../fold/city-state.js';
import { contactAt, type Vehicle } from '../fold/vehicle.js';

export function vehicleSummary(vehicle: Vehicle, now: number): VehicleSummary {
  return {
    device_id: vehicle.deviceId,
    provider_id: vehicle.providerId,
    vehicle_state: vehicle.state,
    state_since: vehicle.events.stateSince,
    contact: contactAt(vehicle.heardAt, now),
    location: vehicle.location,
    located_at: vehicle.position?.timestamp ?? null,
    battery_percent: vehicle.batteryPercent,
  };
}

export function vehicleDetail(city: CityState, vehicle: Vehicle, now: number): VehicleDetail {
  const trip = city.tripOf(vehicle);
  return {
    ...vehicleSummary(vehicle, now),
    trip: trip && {
      trip_id: trip.tripId,
      requested_at: trip.requestedAt,
      destination: trip.destination,
      last_rider_event: trip.lastRiderEvent,
    },
    trail: vehicle.trail.points(),
    events: vehicle.events.list().map(({ eventTypes, vehicleState, timestamp }) => ({
      event_types: eventTypes,
      vehicle_state: vehicleState,
      timestamp,
    })),
  };
}
