import type { FleetCount } from '@hailstream/events/live';
import type { CityState } from '../fold/city-state.js';
import { isDrawn, isSelected, type VehicleSelection } from './vehicle-query.js';

/** How many vehicles a selection has, of how many. */
export function fleetCount(city: CityState, selection: VehicleSelection, now: number): FleetCount {
  let [known, matching, drawn, withBattery] = [0, 0, 0, 0];
  for (const vehicle of city.vehicles(selection.provider)) {
    if (vehicle.position === null) continue;
    known += 1;
    if (vehicle.batteryPercent !== null) withBattery += 1;
    if (!isSelected(vehicle, selection, now)) continue;
    matching += 1;
    if (isDrawn(vehicle, now)) drawn += 1;
  }
  return { asOf: now, known, matching, drawn, withBattery };
}
