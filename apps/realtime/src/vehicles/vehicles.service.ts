import type { FleetExtent, VehicleDetail, VehicleList } from '@hailstream/events/live';
import { Injectable } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { QueryError } from '../query/query-parameters.js';
import { Turns } from '../turns/turns.js';
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

/** A list of at most this many vehicles is returned as a whole, which takes some milliseconds. */
const LISTED_AT_ONCE = 1_000;
const VEHICLES_PER_PIECE = 250;
const SELECTED_AT_ONCE = 1_000;

/** The vehicles of a response, and how many match. */
interface Selected {
  readonly page: readonly Vehicle[];
  readonly total: number;
}

@Injectable()
export class VehiclesService {
  /** Of all requests. */
  private readonly turns = new Turns();

  constructor(private readonly city: CityState) {}

  /**
   * Vehicles with a known position, silent ones included.
   *
   * @throws QueryError if the request has no limit, and more than {@link MAX_VEHICLES_LISTED} match
   */
  list(query: VehicleQuery, now: number): VehicleList {
    const steps = this.select(query, now);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return listOf(step.value, { query, now });
  }

  /**
   * As {@link list}, in slices between which other requests and ticks are served. A large list is returned as the pieces of its
   * JSON, which are made when they are read: vehicles that have changed meanwhile are as they are then.
   *
   * @throws QueryError if {@link list} does
   */
  async listInTurns(query: VehicleQuery, now: number): Promise<VehicleList | AsyncGenerator<string>> {
    const selected = await this.turns.run(this.select(query, now));
    const isLarge = selected.page.length > LISTED_AT_ONCE;
    return isLarge ? this.json(selected, { query, now }) : listOf(selected, { query, now });
  }

  private async *json(
    { page, total }: Selected,
    { query, now }: { readonly query: VehicleQuery; readonly now: number },
  ): AsyncGenerator<string> {
    const empty: VehicleList = { asOf: now, count: page.length, total, offset: query.offset, vehicles: [] };
    yield JSON.stringify(empty).slice(0, -']}'.length);
    for (let at = 0; at < page.length; at += VEHICLES_PER_PIECE) {
      if (this.turns.isOver) await this.turns.next();
      const piece = page.slice(at, at + VEHICLES_PER_PIECE);
      const vehicles = JSON.stringify(piece.map((vehicle) => vehicleSummary(vehicle, now))).slice(1, -1);
      yield at === 0 ? vehicles : `,${vehicles}`;
    }
    yield ']}';
  }

  private *select(query: VehicleQuery, now: number): Generator<void, Selected> {
    const { sort, offset, limit } = query;
    const found: Vehicle[] = [];
    let seen = 0;
    for (const vehicle of this.city.vehicles(query.provider)) {
      if (isSelected(vehicle, query, now)) found.push(vehicle);
      seen += 1;
      if (seen % SELECTED_AT_ONCE === 0) yield;
    }
    if (limit === null && found.length > MAX_VEHICLES_LISTED) {
      const expected = `more than ${MAX_VEHICLES_LISTED} vehicles match: request a smaller area, or pages with limit and offset`;
      throw new QueryError('bbox', expected);
    }
    const sorted = sort === null ? found : yield* sortVehicles(found, sort);
    const page = sorted.slice(offset, limit === null ? undefined : offset + limit);
    return { page, total: found.length };
  }

  /** Where the vehicles are that are drawn: silent ones, and those out of the city, are not. */
  extent(selection: VehicleSelection, now: number): Promise<FleetExtent> {
    return this.turns.run(this.measureExtent(selection, now));
  }

  private *measureExtent(selection: VehicleSelection, now: number): Generator<void, FleetExtent> {
    const extent = new Extent();
    let seen = 0;
    for (const vehicle of this.city.vehicles(selection.provider)) {
      seen += 1;
      if (seen % SELECTED_AT_ONCE === 0) yield;
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

function listOf(
  { page, total }: Selected,
  { query, now }: { readonly query: VehicleQuery; readonly now: number },
): VehicleList {
  const vehicles = page.map((vehicle) => vehicleSummary(vehicle, now));
  return { asOf: now, count: vehicles.length, total, offset: query.offset, vehicles };
}
