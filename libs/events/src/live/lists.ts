import type { Viewport } from './frame.js';
import type { VehicleSummary } from './vehicle.js';

/** Response of `GET /vehicles`. */
export interface VehicleList {
  readonly asOf: number;
  /** Vehicles in this response. */
  readonly count: number;
  /** Vehicles that match the filters, in this response or not. */
  readonly total: number;
  /** The number of them that precede this response. */
  readonly offset: number;
  readonly vehicles: readonly VehicleSummary[];
}

/** Response of `GET /vehicles/extent`: the smallest area that contains all vehicles that are drawn; `null` without any. */
export interface FleetExtent {
  readonly asOf: number;
  readonly count: number;
  readonly bbox: Viewport | null;
}

/** Response of `GET /providers`: in the order of their ids. */
export interface ProviderList {
  readonly asOf: number;
  readonly providers: readonly { readonly provider_id: string; readonly vehicles: number }[];
}
