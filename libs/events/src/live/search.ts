import type { VehicleState } from '../families/vehicle-states.js';
import type { Location } from '../schema/location.js';
import type { Contact } from './vehicle.js';

/** Response of `GET /search`: vehicles and trips, the best match first. */
export interface SearchResults {
  readonly asOf: number;
  /** All that match. */
  readonly total: number;
  readonly results: readonly SearchResult[];
}

export type SearchResult =
  | {
      readonly kind: 'vehicle';
      readonly device_id: string;
      readonly provider_id: string;
      readonly vehicle_state: VehicleState | null;
      readonly contact: Contact;
      /** The trip that it is reserved for or on. */
      readonly trip_id: string | null;
    }
  | {
      readonly kind: 'trip';
      readonly trip_id: string;
      readonly provider_id: string;
      /** `null` if it is unknown, for example after a rating alone. */
      readonly stage: TripStage | null;
      /** The vehicle of its newest vehicle event. */
      readonly device_id: string | null;
      readonly requested_at: number | null;
      readonly pickup: Location | null;
      readonly destination: Location | null;
    };

/** The stage of a trip, from the request to its end. */
export type TripStage = 'requested' | 'reserved' | 'on_trip' | 'stopped' | 'ended' | 'cancelled';
