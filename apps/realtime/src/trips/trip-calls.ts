import type { TripPage, TripRoute, TripSummary, VehicleTimeline } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import type { Erasure } from '../fold/erasures.js';
import type { Chunk, Offsets } from '../log/log-index.js';
import type { TripQuery } from './trip-index.js';

/** The part of the log that trips are read from. */
export interface TripLog {
  readonly topicIds: Readonly<Record<string, string>>;
  /** The first offsets. */
  readonly from: Offsets;
  /** Riders and devices whose events are left out. */
  readonly erasures: readonly Erasure[];
}

/** A trip, and the part of the log that has the telemetry of its vehicle. */
export interface TripRequest {
  readonly providerId: string;
  readonly tripId: string;
  readonly chunks: readonly Chunk[];
  /** Why the telemetry is not to be read; `null` if it is. */
  readonly problem: string | null;
  readonly now: number;
}

export interface TimelineRequest {
  readonly ends: Offsets;
  readonly deviceId: string;
  readonly providerId: string;
  readonly from: number;
  readonly to: number;
  readonly earliest: number | null;
  /** Those with the events of the vehicle, and those with its telemetry. */
  readonly events: readonly Chunk[];
  readonly telemetry: readonly Chunk[];
  /** Why the telemetry is not to be read; `null` if it is. */
  readonly problem: string | null;
  readonly now: number;
}

/** The calls of the thread that reads trips. `ends`: it knows at least the trips of the records before these offsets. */
export interface TripCalls {
  open: { readonly argument: TripLog; readonly result: null };
  list: {
    readonly argument: {
      readonly ends: Offsets;
      readonly query: TripQuery;
      readonly limit: number;
      readonly offset: number;
    };
    readonly result: {
      readonly total: number;
      readonly isCut: boolean;
      readonly unreadableRecords: number;
      readonly trips: readonly TripSummary[];
    };
  };
  /** The trips with this id: several providers may have one. */
  find: {
    readonly argument: { readonly ends: Offsets; readonly tripId: string; readonly filter: ProviderFilter };
    readonly result: readonly TripSummary[];
  };
  page: { readonly argument: TripRequest; readonly result: TripPage | null };
  route: { readonly argument: TripRequest; readonly result: TripRoute | null };
  timeline: { readonly argument: TimelineRequest; readonly result: VehicleTimeline };
}
