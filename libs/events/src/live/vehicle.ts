import type { RiderEventType } from '../families/rider-event.js';
import type { VehicleEventType, VehicleState } from '../families/vehicle-states.js';
import type { Location } from '../schema/location.js';

/** Identifies a vehicle: a device id is unique within its provider's fleet only. */
export interface VehicleRef {
  readonly deviceId: string;
  readonly providerId: string;
}

/** A vehicle to find by its device id; `providerId` is `null` if it is not known. */
export interface VehicleQuery {
  readonly deviceId: string;
  readonly providerId: string | null;
}

/** By age of the last event: recent; older than `STALE_AFTER_MS`; older than `SILENT_AFTER_MS`. */
export type Contact = 'live' | 'stale' | 'silent';

export interface VehicleDetail {
  readonly device_id: string;
  readonly provider_id: string;
  readonly vehicle_state: VehicleState | null;
  /** Event time of the change to that state, in milliseconds. */
  readonly state_since: number | null;
  readonly contact: Contact;
  readonly location: Location | null;
  /** Event time of the newest position, in milliseconds. */
  readonly located_at: number | null;
  /** The newest known level; `null` if none is known. */
  readonly battery_percent: number | null;
  readonly trip: TripDetail | null;
  /** The last ten minutes, oldest first. */
  readonly trail: readonly TrailPoint[];
  /** The newest events, newest first. */
  readonly events: readonly {
    readonly event_types: readonly VehicleEventType[];
    readonly vehicle_state: VehicleState;
    readonly timestamp: number;
  }[];
}

/** A vehicle in a list: its detail without trip, trail and events. */
export type VehicleSummary = Omit<VehicleDetail, 'trip' | 'trail' | 'events'>;

/** A past position: latitude, longitude, speed in metres per second, event time in milliseconds. */
export type TrailPoint = readonly [lat: number, lng: number, speed: number | null, timestamp: number];

interface TripDetail {
  readonly trip_id: string;
  readonly requested_at: number | null;
  readonly destination: Location | null;
  readonly last_rider_event: RiderEventType | null;
}
