import type { FleetExtent, VehicleDetail, VehicleList } from '@hailstream/events/live';
import { Injectable } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { QueryError } from '../query/query-parameters.js';
import { vehicleDetail, vehicleSummary } from '../views/vehicle-detail.js';
import { Extent } from './extent.js';
import {
  isDrawn,
  isSelected,
  MAX_VEHICLES_LISTED,
  sortVehicles,
  type VehicleQuery,
  type VehicleSelection,
} from './vehicle-query.js';

@Injectable()
export class VehiclesService {
  constructor(private readonly city: CityState) {}

  /**
   * Vehicles with a known position, silent ones included.
   *
   * @throws QueryError if the request has no limit, and more than {@link MAX_VEHICLES_LISTED} match
   */
  list(query: VehicleQuery, now: number): VehicleList {
    const { sort, offset, limit } = query;
    const found = [...this.city.vehicles(query.provider)].filter((vehicle) =>
      isSelected(vehicle, query, now),
    );
    if (limit === null && found.length > MAX_VEHICLES_LISTED) {
      const expected = `more than ${MAX_VEHICLES_LISTED} vehicles match: request a smaller area, or pages with limit and offset`;
      throw new QueryError('bbox', expected);
    }
    const sorted = sort === null ? found : sortVehicles(found, sort);
    const page = sorted.slice(offset, limit === null ? undefined : offset + limit);
    const vehicles = page.map((vehicle) => vehicleSummary(vehicle, now));
    return { asOf: now, count: vehicles.length, total: found.length, offset, vehicles };
  }

  /** Where the vehicles are that are drawn: silent ones, and those out of the city, are not. */
  extent(selection: VehicleSelection, now: number): FleetExtent {
    const extent = new Extent();
    for (const vehicle of this.city.vehicles(selection.provider)) {
      if (!isDrawn(vehicle, now) || !isSelected(vehicle, selection, now)) continue;
      const { lat, lng } = vehicle.position!;
      extent.add(lat, lng);
    }
    return { asOf: now, count: extent.count, bbox: extent.bbox };
  }

  /** The vehicles with a device id, of one provider or of all. */
  withId(deviceId: string, filter: ProviderFilter): Vehicle[] {
    return this.city.vehiclesWithId(deviceId, filter);
  }

  detail(vehicle: Vehicle, now: number): VehicleDetail {
    return vehicleDetail(this.city, vehicle, now);
  }
}
