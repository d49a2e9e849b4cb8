import type { VehicleDetail, Viewport } from '@hailstream/events/live';
import { Injectable } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { isWithin } from '../live/grid.js';
import { vehicleDetail, vehicleSummary, type VehicleSummary } from '../views/vehicle-detail.js';

/** Maximum number of vehicles in one answer. */
const MAX_VEHICLES_LISTED = 100_000;

/** More vehicles match than one answer may hold. */
export class TooManyVehiclesError extends Error {
  override readonly name = 'TooManyVehiclesError';
  readonly code = 'TOO_MANY_VEHICLES';
}

@Injectable()
export class VehiclesService {
  constructor(private readonly city: CityState) {}

  /**
   * Vehicles with a known position, silent ones included.
   *
   * @throws TooManyVehiclesError if more than {@link MAX_VEHICLES_LISTED} match
   */
  list(filter: ProviderFilter, bbox: Viewport | null, now: number): VehicleSummary[] {
    const found: VehicleSummary[] = [];
    for (const vehicle of this.city.vehicles(filter)) {
      const position = vehicle.position;
      if (position === null || (bbox !== null && !isWithin(bbox, position.lat, position.lng))) continue;
      if (found.length === MAX_VEHICLES_LISTED) {
        throw new TooManyVehiclesError(
          `more than ${MAX_VEHICLES_LISTED} vehicles match: request a smaller area with bbox`,
        );
      }
      found.push(vehicleSummary(vehicle, now));
    }
    return found;
  }

  /** The vehicles with a device id, of one provider or of all. */
  withId(deviceId: string, filter: ProviderFilter): Vehicle[] {
    return this.city.vehiclesWithId(deviceId, filter);
  }

  detail(vehicle: Vehicle, now: number): VehicleDetail {
    return vehicleDetail(this.city, vehicle, now);
  }
}
