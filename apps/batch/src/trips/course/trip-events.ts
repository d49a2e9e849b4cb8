import type { RiderEventType, VehicleEventType } from '@hailstream/events';
import type { Fix } from '../path/fix.js';

/** A vehicle event that names a trip. */
export interface TripVehicleEvent {
  readonly id: string;
  readonly deviceId: string;
  readonly types: readonly VehicleEventType[];
  /** Event time and position. */
  readonly fix: Fix;
}

/** An event of the rider of a trip. */
export interface TripRiderEvent {
  readonly id: string;
  readonly riderId: string;
  readonly type: RiderEventType;
  /** Event time, in milliseconds. */
  readonly at: number;
}

/** All events of one trip, in any order. */
export interface TripEvents {
  readonly vehicle: readonly TripVehicleEvent[];
  readonly rider: readonly TripRiderEvent[];
}
