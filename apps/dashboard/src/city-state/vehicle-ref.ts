import type { VehicleQuery, VehicleRef } from '@hailstream/events/live';

/** A string that identifies a vehicle, for list keys. */
export function vehicleKey({ deviceId, providerId }: VehicleQuery): string {
  return `${providerId ?? ''} ${deviceId}`;
}

/** Whether both refer to the same vehicle; `null` equals only `null`. */
export function isSameVehicle(one: VehicleQuery | null, other: VehicleQuery | null): boolean {
  if (one === null || other === null) return one === other;
  return one.deviceId === other.deviceId && one.providerId === other.providerId;
}

/** Whether the provider is known; a device id alone may match several vehicles. */
export function isVehicleRef(vehicle: VehicleQuery | null): vehicle is VehicleRef {
  return vehicle !== null && vehicle.providerId !== null;
}
