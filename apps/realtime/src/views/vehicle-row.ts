import type { VehicleRow } from '@hailstream/events/live';
import { contactAt } from '../fold/contact.js';
import type { Vehicle } from '../fold/vehicle.js';

/** A vehicle as a row of a frame; `null` if it is not drawn because it is silent or has no position. */
export function vehicleRow(vehicle: Vehicle, providerNumber: number, now: number): VehicleRow | null {
  const contact = contactAt(vehicle.heardAt, now);
  const position = contact === 'silent' ? null : vehicle.position;
  if (position === null) return null;
  const { lat, lng, heading, speed } = position;
  return [
    vehicle.deviceId,
    round(lat, 1e6),
    round(lng, 1e6),
    round(heading, 10),
    round(speed, 10),
    vehicle.state,
    contact,
    providerNumber,
  ];
}

/** Rounds to 1/`parts`: a millionth of a degree is about 0.1 m. */
function round<N extends number | null>(value: N, parts: number): N {
  return (value === null ? null : Math.round(value * parts) / parts) as N;
}
