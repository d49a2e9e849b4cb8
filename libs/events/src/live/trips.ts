import type { RiderEventType } from '../families/rider-event.js';
import type { Trip } from '../families/trip.js';
import type { VehicleEventType, VehicleState } from '../families/vehicle-states.js';
import type { Location } from '../schema/location.js';
import type { TripStage } from './search.js';
import type { TrailPoint } from './vehicle.js';

/*
 * Trips and vehicles of the past, read from the log. All times are in milliseconds, by event time unless stated otherwise;
 * `null` is unknown.
 */

export type CancelledBy = 'rider' | 'driver' | 'provider';

/** A trip in a list. */
export interface TripSummary {
  readonly trip_id: string;
  readonly provider_id: string;
  /** The vehicle of its newest vehicle event or, without one, of the operator's report. */
  readonly device_id: string | null;
  /** As in the live city. `null` if it is unknown, for example after a rating alone. */
  readonly stage: TripStage | null;
  /** The earliest time that is known of it. */
  readonly began_at: number;
  readonly requested_at: number | null;
  /** When the rider was picked up. */
  readonly started_at: number | null;
  /** When it ended or was cancelled. */
  readonly ended_at: number | null;
  readonly cancelled_by: CancelledBy | null;
  /** Whether the operator has reported it to `ride.trips`. */
  readonly is_reported: boolean;
}

/** Response of `GET /trips`: the latest first. */
export interface TripList {
  readonly asOf: number;
  /** Trips in this response. */
  readonly count: number;
  /** Trips that match, in this response or not. */
  readonly total: number;
  readonly offset: number;
  /** The event time from which trips are known; `null` if the log has no events. */
  readonly earliest: number | null;
  /** Whether older trips were dropped because there are too many. */
  readonly is_cut: boolean;
  /** Records in which trips may be that could not be read, because they are damaged, missing or not events. */
  readonly unreadable_records: number;
  readonly trips: readonly TripSummary[];
}

interface TripEventBase {
  readonly event_id: string;
  readonly timestamp: number;
  readonly received_at: number;
  readonly location: Location;
}

/** An event of a trip, of its vehicle or of its rider. */
export type TripEvent =
  | (TripEventBase & {
      readonly kind: 'vehicle';
      readonly device_id: string;
      readonly event_types: readonly VehicleEventType[];
      readonly vehicle_state: VehicleState;
    })
  | (TripEventBase & {
      readonly kind: 'rider';
      readonly event_type: RiderEventType;
      readonly rating: number | null;
    });

/** A stage and how long it lasted; `to` is `null` if it lasts. */
export interface StageSpan {
  readonly stage: Exclude<TripStage, 'ended' | 'cancelled'>;
  readonly from: number;
  readonly to: number | null;
}

/** Durations of a trip, in milliseconds; `null` if one of the two events is not known. */
export interface TripWaits {
  /** From the request to the reservation of a vehicle. */
  readonly assignment_ms: number | null;
  /** From the reservation to the arrival of the vehicle at the pick-up. */
  readonly approach_ms: number | null;
  /** From the arrival to the pick-up. */
  readonly boarding_ms: number | null;
  /** From the request to the pick-up. */
  readonly pickup_ms: number | null;
  /** From the pick-up to the end. */
  readonly ride_ms: number | null;
}

/** A time and a place. */
export interface TripStop {
  readonly at: number;
  readonly location: Location;
}

/** What a field of the operator's report says, and what the events say. */
export interface ReportedField {
  readonly field:
    | 'vehicle'
    | 'requested_time'
    | 'start_time'
    | 'end_time'
    | 'duration'
    | 'distance'
    | 'start_location'
    | 'end_location';
  /** Times in milliseconds, durations in seconds, distances in metres. */
  readonly reported: number | string | Location | null;
  readonly observed: number | string | Location | null;
  /** Reported minus observed, in the unit of the field; the distance of two places in metres. `null` if one is not known. */
  readonly difference: number | null;
  /** Whether the difference exceeds what clocks and positions explain. */
  readonly differs: boolean;
}

/**
 * `none`: not reported, and not expected yet: the trip has not ended. `missing`: it has ended. `extra`: it is reported, but was
 * cancelled, or no event of it is known.
 */
export type ReportVerdict = 'none' | 'missing' | 'extra' | 'differs' | 'matches';

/** Response of `GET /trips/:trip_id`. */
export interface TripPage {
  readonly asOf: number;
  readonly trip: TripSummary;
  readonly rider_id: string | null;
  readonly request: TripStop | null;
  readonly destination: Location | null;
  readonly pickup: TripStop | null;
  readonly dropoff: TripStop | null;
  readonly stages: readonly StageSpan[];
  readonly waits: TripWaits;
  /** By event time. */
  readonly events: readonly TripEvent[];
  /** The report that was received last. */
  readonly report: Trip | null;
  /** How many reports that differ were received. */
  readonly report_count: number;
  readonly verdict: ReportVerdict;
  readonly fields: readonly ReportedField[];
  /** Why the distance is not compared; `null` if it is, or if there is nothing to compare. */
  readonly distance_problem: string | null;
  /** Records that may be of the trip or its route and could not be read: they are damaged, missing, deleted or not events. */
  readonly unreadable_records: number;
}

/** A time without contact, or in which a vehicle did not move. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** Response of `GET /trips/:trip_id/route`: the telemetry of its vehicle, from the reservation to the end. */
export interface TripRoute {
  readonly asOf: number;
  readonly trip_id: string;
  readonly provider_id: string;
  readonly device_id: string | null;
  /** `null` if no vehicle event of the trip is known. */
  readonly from: number | null;
  readonly to: number | null;
  /** By event time. Speeds that were not sent are computed from the point before. */
  readonly points: readonly TrailPoint[];
  /** Points that were read; more than {@link points} if some were left out. */
  readonly point_count: number;
  /** Along the points on the WGS 84 ellipsoid: before the pick-up, and from the pick-up to the end. */
  readonly approach_meters: number;
  readonly ride_meters: number;
  /** In metres per second, from the pick-up to the end. */
  readonly mean_speed: number | null;
  readonly max_speed: number | null;
  /** Times without a point for longer than `gap_after_ms`. */
  readonly gaps: readonly Period[];
  readonly gap_after_ms: number;
  /** As in {@link TripPage}. */
  readonly unreadable_records: number;
}

/** A state of a vehicle and how long it lasted within the requested time. */
export interface StateSpan extends Period {
  /** `null` if no event is known before. */
  readonly vehicle_state: VehicleState | null;
}

/** Where a vehicle did not move for a while. */
export interface StillSpan extends Period {
  readonly lat: number;
  readonly lng: number;
}

/** Response of `GET /vehicles/:device_id/timeline`. */
export interface VehicleTimeline {
  readonly asOf: number;
  readonly device_id: string;
  readonly provider_id: string;
  readonly from: number;
  readonly to: number;
  /** The event time from which the log is known; `null` if it has no events. */
  readonly earliest: number | null;
  /** Without a gap between them, from `from` to `to` or now. */
  readonly states: readonly StateSpan[];
  /** The earliest first. */
  readonly trips: readonly TripSummary[];
  /** Times without any event for longer than `gap_after_ms`. */
  readonly gaps: readonly Period[];
  readonly gap_after_ms: number;
  /** Times of at least `still_after_ms` within `still_within_meters`. */
  readonly still: readonly StillSpan[];
  readonly still_after_ms: number;
  readonly still_within_meters: number;
  readonly distance_meters: number;
  readonly point_count: number;
  readonly event_count: number;
  /**
   * Why the telemetry was not read, for example because there is too much of it; `null` if it was. Without it, there are no gaps
   * and no stillness, and the distance is 0.
   */
  readonly telemetry_problem: string | null;
  /** Records that may be of the vehicle and could not be read: they are damaged, missing, deleted or not events. */
  readonly unreadable_records: number;
}
