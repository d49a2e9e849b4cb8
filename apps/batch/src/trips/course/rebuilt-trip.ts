import type { MatchedRoute, RouteMatcher } from '../matching/route-matcher.js';
import { encodePolyline } from '../path/encode-polyline.js';
import type { Fix } from '../path/fix.js';
import { measurePath, type MeasuredPath } from '../path/measure-path.js';
import { stateOf, type Canceller, type TripCourse, type TripState } from './trip-course.js';

/** Telemetry of a longer time does not belong to a trip: one of its events is wrong, or was never sent. */
const LONGEST_TRIP_MS = 24 * 3_600_000;

/** Which telemetry belongs to a trip: that of its vehicle between two times, both included, in milliseconds. */
export interface TelemetryPeriod {
  readonly deviceId: string;
  readonly from: number;
  readonly to: number;
}

/** A row of `ride.rebuilt_trips`, without its key and `updated_at`. Times are ISO 8601. */
export interface RebuiltTrip {
  readonly state: TripState;
  readonly rider_id: string | null;
  readonly device_id: string | null;
  readonly device_ids: readonly string[];
  readonly requested_at: string | null;
  readonly assigned_at: string | null;
  readonly picked_up_at: string | null;
  readonly dropped_off_at: string | null;
  readonly cancelled_at: string | null;
  readonly cancelled_by: Canceller | null;
  readonly wait_seconds: number | null;
  readonly duration_seconds: number | null;
  readonly distance_meters: number | null;
  readonly matched_distance: number | null;
  readonly matched_share: number | null;
  readonly mean_speed: number | null;
  readonly max_speed: number | null;
  readonly dwell_seconds: number | null;
  readonly deadhead_seconds: number | null;
  readonly deadhead_meters: number | null;
  readonly pickup_lat: number | null;
  readonly pickup_lng: number | null;
  readonly dropoff_lat: number | null;
  readonly dropoff_lng: number | null;
  readonly route: string | null;
  readonly silent_from: readonly string[];
  readonly silent_to: readonly string[];
  readonly events: number;
  readonly points: number;
  readonly first_event_at: string;
  readonly last_event_at: string;
  readonly telemetry_from: string | null;
  readonly telemetry_to: string | null;
}

/** Returns which telemetry belongs to a trip; `null` while it has not ended, and if it has no vehicle. */
export function telemetryPeriodOf(course: TripCourse): TelemetryPeriod | null {
  const { stage, deviceId, assigned, pickedUp, droppedOff, cancelled } = course;
  const from = (assigned ?? pickedUp)?.fix.at;
  const to = stage === 'completed' ? droppedOff?.fix.at : cancelled?.at;
  if (deviceId === null || from === undefined || to === undefined) return null;
  return to >= from && to - from <= LONGEST_TRIP_MS ? { deviceId, from, to } : null;
}

/**
 * Builds the row of a trip. `telemetry` is that of its {@link telemetryPeriodOf}, in order of time. Without a `matcher`, its route is
 * not matched to roads.
 */
export function rebuildTrip(
  course: TripCourse,
  {
    events,
    telemetry,
    matcher,
    ...now
  }: {
    readonly events: number;
    readonly telemetry: readonly Fix[];
    readonly matcher: RouteMatcher | null;
    readonly isSuperseded: boolean;
    readonly nowMs: number;
  },
): RebuiltTrip {
  const { requestedAt, assigned, pickedUp, droppedOff, cancelled } = course;
  const period = telemetryPeriodOf(course);
  const ride = rideOf(course, telemetry, matcher);
  const durationSeconds = course.stage === 'completed' ? secondsBetween(pickedUp, droppedOff) : null;
  return {
    state: stateOf(course, now),
    rider_id: course.riderId,
    device_id: course.deviceId,
    device_ids: course.deviceIds,
    requested_at: iso(requestedAt),
    assigned_at: iso(assigned?.fix.at),
    picked_up_at: iso(pickedUp?.fix.at),
    dropped_off_at: iso(droppedOff?.fix.at),
    cancelled_at: iso(cancelled?.at),
    cancelled_by: cancelled?.by ?? null,
    wait_seconds: requestedAt === null || pickedUp === null ? null : (pickedUp.fix.at - requestedAt) / 1_000,
    duration_seconds: durationSeconds,
    distance_meters: rounded(ride?.meters, 100),
    matched_distance: rounded(ride?.matched?.meters, 100),
    matched_share: rounded(ride?.matched?.share, 1_000),
    mean_speed: meanSpeed(ride?.meters, durationSeconds),
    max_speed: ride?.maxSpeed ?? null,
    dwell_seconds: ride?.dwellSeconds ?? null,
    ...deadheadOf(course, telemetry),
    pickup_lat: pickedUp?.fix.lat ?? null,
    pickup_lng: pickedUp?.fix.lng ?? null,
    dropoff_lat: droppedOff?.fix.lat ?? null,
    dropoff_lng: droppedOff?.fix.lng ?? null,
    route: ride === null || ride.line.length === 0 ? null : encodePolyline(ride.line),
    silent_from: ride?.silences.map(({ from }) => iso(from)!) ?? [],
    silent_to: ride?.silences.map(({ to }) => iso(to)!) ?? [],
    events,
    points: telemetry.length,
    first_event_at: iso(course.firstEventAt)!,
    last_event_at: iso(course.lastEventAt)!,
    telemetry_from: iso(period?.from),
    telemetry_to: iso(period?.to),
  };
}

/** The way from the pick-up to the drop-off, and how it follows the roads. */
function rideOf(
  course: TripCourse,
  telemetry: readonly Fix[],
  matcher: RouteMatcher | null,
): (MeasuredPath & { readonly matched: MatchedRoute | null }) | null {
  const { stage, pickedUp, droppedOff } = course;
  if (stage !== 'completed' || pickedUp === null || droppedOff === null) return null;
  if (telemetryPeriodOf(course) === null) return null;
  const points = within(telemetry, pickedUp.fix.at, droppedOff.fix.at);
  const path = measurePath(pickedUp.fix, points, droppedOff.fix);
  const isMatched = matcher !== null && path.meters !== null;
  const fixes = isMatched ? [pickedUp.fix, ...points, droppedOff.fix] : [];
  return { ...path, matched: isMatched ? matcher.match(fixes, path.meters) : null };
}

/** The way of the vehicle to the rider, or until the cancellation. */
function deadheadOf(
  course: TripCourse,
  telemetry: readonly Fix[],
): Pick<RebuiltTrip, 'deadhead_seconds' | 'deadhead_meters'> {
  const { assigned, pickedUp, cancelled, deviceId } = course;
  const until = pickedUp?.fix.at ?? cancelled?.at;
  if (assigned === null || until === undefined || until < assigned.fix.at) {
    return { deadhead_seconds: null, deadhead_meters: null };
  }
  const points = within(telemetry, assigned.fix.at, until);
  const byVehicle = cancelled?.event?.deviceId === deviceId ? cancelled.event : null;
  // The rider's cancellation has no position of the vehicle: its way ends with its last point.
  const end = (pickedUp ?? byVehicle)?.fix ?? points.at(-1) ?? assigned.fix;
  const isOneEvent = pickedUp !== null && pickedUp.id === assigned.id;
  return {
    deadhead_seconds: (until - assigned.fix.at) / 1_000,
    deadhead_meters: isOneEvent ? 0 : rounded(measurePath(assigned.fix, points, end).meters, 100),
  };
}

function within(telemetry: readonly Fix[], from: number, to: number): Fix[] {
  return telemetry.filter(({ at }) => at >= from && at <= to);
}

function secondsBetween(from: { readonly fix: Fix } | null, to: { readonly fix: Fix } | null): number | null {
  return from === null || to === null ? null : (to.fix.at - from.fix.at) / 1_000;
}

function meanSpeed(meters: number | null | undefined, seconds: number | null): number | null {
  return seconds === null || seconds === 0 ? null : rounded(divided(meters, seconds), 100);
}

function divided(value: number | null | undefined, by: number): number | null {
  return value === null || value === undefined ? null : value / by;
}

/** Rounds to a fraction of one, for example to hundredths. */
function rounded(value: number | null | undefined, parts: number): number | null {
  return value === null || value === undefined ? null : Math.round(value * parts) / parts;
}

function iso(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
