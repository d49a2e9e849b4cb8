import type { VehicleDetail, Viewport } from '@hailstream/events/live';
import { Injectable } from '@nestjs/common';
import { contactAt } from '../fold/contact.js';
import { CityState, type Scope } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { isWithin } from '../live/grid.js';

/** Most vehicles in one answer. */
export const MAX_VEHICLES_LISTED = 100_000;

/** A vehicle of a list: its detail without the history. */
export type ListedVehicle = Omit<VehicleDetail, 'trip' | 'trail' | 'events'>;

/** There are more vehicles than one answer holds. */
export class TooManyVehiclesError extends Error {
  override readonly name = 'TooManyVehiclesError';
  readonly code = 'TOO_MANY_VEHICLES';
}

@Injectable()
export class VehiclesService {
  constructor(private readonly city: CityState) {}

  /** Vehicles of which a position is known, the silent ones too. @throws TooManyVehiclesError */
  list(scope: Scope, bbox: Viewport | null, now: number): ListedVehicle[] {
    const found: ListedVehicle[] = [];
    for (const vehicle of this.city.vehicles(scope)) {
      const position = vehicle.position;
      if (position === null || (bbox !== null && !isWithin(bbox, position.lat, position.lng))) continue;
      if (found.length === MAX_VEHICLES_LISTED) {
        throw new TooManyVehiclesError(
          `there are more than ${MAX_VEHICLES_LISTED} vehicles: ask for less with bbox`,
        );
      }
      found.push(listed(vehicle, now));
    }
    return found;
  }

  /** The vehicles with a device id, of one provider or of all. */
  withId(deviceId: string, scope: Scope): Vehicle[] {
    return this.city.vehiclesWithId(deviceId, scope);
  }

  detail(vehicle: Vehicle, now: number): VehicleDetail {
    return this.city.detail(vehicle, now);
  }
}

/** A vehicle as a list has it. */
export function listed(vehicle: Vehicle, now: number): ListedVehicle {
  return {
    device_id: vehicle.deviceId,
    provider_id: vehicle.providerId,
    vehicle_state: vehicle.state,
    state_since: vehicle.events.stateSince,
    contact: contactAt(vehicle.heardAt, now),
    location: vehicle.location,
    located_at: vehicle.position?.timestamp ?? null,
  };
}
