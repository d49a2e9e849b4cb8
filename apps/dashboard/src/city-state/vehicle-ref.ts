import type { VehicleQuery, VehicleRef } from '@hailstream/events/live';

/** One string for a vehicle, as a key of lists. */
export function vehicleKey({ deviceId, providerId }: VehicleQuery): string {
  return `${providerId ?? ''} ${deviceId}`;
}

/** Whether two are of the same vehicle; either may be none. */
export function isSameVehicle(one: VehicleQuery | null, other: VehicleQuery | null): boolean {
  if (one === null || other === null) return one === other;
  return one.deviceId === other.deviceId && one.providerId === other.providerId;
}

/** Whether the provider is known, without which a device id may be of several vehicles. */
export function isVehicleRef(vehicle: VehicleQuery | null): vehicle is VehicleRef {
  return vehicle !== null && vehicle.providerId !== null;
}
