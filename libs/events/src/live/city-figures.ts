import type { VehicleState } from '../families/vehicle-states.js';
import type { Contact } from './vehicle.js';

/*
 * What the service computes of the whole city, or of one provider with `provider_id`. Each request takes `at=` and `by=`, too,
 * as `GET /vehicles` does: the response is then as of that moment.
 */

/** Response of `GET /vehicles/count`, which takes the filters of `GET /vehicles`. */
export interface FleetCount {
  readonly asOf: number;
  /** Vehicles with a position, whatever the other filters. */
  readonly known: number;
  /** Those that match the filters, and how many of them are drawn. */
  readonly matching: number;
  readonly drawn: number;
  /** Known vehicles whose battery level is known. */
  readonly withBattery: number;
}

/**
 * An H3 cell: its index; ride requests of the last minutes; riders who wait; available vehicles; available vehicles within it and the
 * cells around it; its corners as latitude, longitude, latitude, …
 */
export type DemandCell = readonly [
  cell: string,
  requests: number,
  waiting: number,
  available: number,
  nearby: number,
  corners: readonly number[],
];

/** Response of `GET /demand?resolution=&minutes=&bbox=`: every cell with a request, a rider or an available vehicle. */
export interface DemandMap {
  readonly asOf: number;
  readonly resolution: number;
  readonly minutes: number;
  readonly cells: readonly DemandCell[];
}

/** Names of the figures of the service over time. */
export type KpiName =
  /** Trips that a vehicle is reserved for or on. */
  | 'trips_under_way'
  | 'requests_waiting'
  | 'completed_per_hour'
  | 'cancelled_per_hour'
  /** From the request to the start of the trip, by the time of the start; at most 5 % off. */
  | 'wait_median_ms'
  | 'wait_p90_ms'
  /** Share of the time of active vehicles that they were reserved or on a trip, 0 to 1. */
  | 'utilisation'
  | 'events_per_second'
  /** Vehicles that sent something within ten minutes; per interval if it is longer. */
  | 'active_vehicles';

/** One value per interval, the earliest first; `null` if it is unknown. */
export type KpiSeries = Readonly<Record<KpiName, readonly (number | null)[]>>;

/** Response of `GET /kpis?window=hour|day`. Late events count for the time at which they happened. */
export interface Kpis {
  readonly asOf: number;
  readonly window: 'hour' | 'day';
  /** Start of the first interval. The last one ends at `asOf` or before it. */
  readonly from: number;
  readonly stepMs: number;
  /** As of `asOf`; figures per hour, waits and utilisation are of the last hour. */
  readonly now: Readonly<Record<KpiName, number | null>>;
  readonly series: KpiSeries;
  /** The 24 hours before, in a response for a day. */
  readonly previous: KpiSeries | null;
}

interface ListedVehicle {
  readonly device_id: string;
  readonly provider_id: string;
  readonly vehicle_state: VehicleState | null;
  readonly contact: Contact;
  readonly lat: number;
  readonly lng: number;
}

interface ListPage {
  readonly asOf: number;
  readonly total: number;
  readonly offset: number;
}

/** Response of `GET /speeding?over_kmh=&window=now|hour`: the fastest first. */
export interface SpeedingList extends ListPage {
  readonly over_kmh: number;
  readonly window: 'now' | 'hour';
  /** The highest speed in metres per second, with its place and time in milliseconds. */
  readonly vehicles: readonly (ListedVehicle & { readonly speed: number; readonly at: number })[];
}

/** Response of `GET /stillness?minutes=&state=`: the longest first. */
export interface StillnessList extends ListPage {
  readonly minutes: number;
  /** All that stand still, by state, whatever `state` selects. */
  readonly byState: Readonly<Partial<Record<VehicleState | 'unknown', number>>>;
  /** Since when each has not been more than 50 m from where it is; an hour ago if it was longer. */
  readonly vehicles: readonly (ListedVehicle & { readonly still_since: number })[];
}
