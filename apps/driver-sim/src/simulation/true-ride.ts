import type { Journey, Ride } from './ride.js';

/** A ride as the simulation knows it, to compare with what is derived from its events. Times are in milliseconds. */
export interface TrueRide {
  readonly trip_id: string;
  readonly provider_id: string;
  readonly rider_id: string;
  /** `null` if no vehicle was assigned. */
  readonly device_id: string | null;
  readonly requested_at: number;
  readonly assigned_at: number | null;
  readonly picked_up_at: number | null;
  readonly dropped_off_at: number | null;
  readonly cancelled_at: number | null;
  readonly cancelled_by: 'rider' | 'driver' | 'provider' | null;
  /** Driven along the roads from the pick-up to the drop-off, in metres. */
  readonly distance_meters: number | null;
  /** Driven from the assignment to the pick-up or the cancellation, in metres. */
  readonly deadhead_meters: number | null;
}

/** How a ride has ended. */
export type Ending =
  | { readonly kind: 'completed'; readonly atMs: number }
  | { readonly kind: 'cancelled'; readonly atMs: number; readonly by: 'rider' | 'driver' | 'provider' };

/** Returns a ride that has ended. Without a journey, no vehicle was assigned. */
export function trueRide(
  ride: Ride,
  {
    providerId,
    ending,
    assigned,
  }: {
    readonly providerId: string;
    readonly ending: Ending;
    readonly assigned?: { readonly deviceId: string; readonly journey: Journey };
  },
): TrueRide {
  const isCompleted = ending.kind === 'completed';
  const journey = assigned?.journey;
  return {
    trip_id: ride.tripId,
    provider_id: providerId,
    rider_id: ride.riderId,
    device_id: assigned?.deviceId ?? null,
    requested_at: ride.requestedMs,
    assigned_at: journey?.assignedMs ?? null,
    picked_up_at: isCompleted ? (journey?.startedMs ?? null) : null,
    dropped_off_at: isCompleted ? ending.atMs : null,
    cancelled_at: isCompleted ? null : ending.atMs,
    cancelled_by: isCompleted ? null : ending.by,
    distance_meters: isCompleted ? (journey?.meters ?? null) : null,
    deadhead_meters: journey?.deadheadMeters ?? null,
  };
}
