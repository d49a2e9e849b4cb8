import type { VehicleEventType } from '@hailstream/events';
import type { TripEvents, TripRiderEvent, TripVehicleEvent } from './trip-events.js';

/** Who cancelled a trip. */
export type Canceller = 'rider' | 'driver' | 'provider';

export type TripState = 'completed' | 'cancelled' | 'in_progress' | 'incomplete';

/** A trip whose end is not known counts as incomplete this long after its last event. */
export const OPEN_FOR_MS = 24 * 3_600_000;

/** What its events say about a trip. Times are in milliseconds, `null` if they are not known. */
export interface TripCourse {
  readonly riderId: string | null;
  /** The vehicle of the pick-up; without a pick-up, the one of the last event of a vehicle. */
  readonly deviceId: string | null;
  /** All vehicles that had events of the trip, in order of their ids. */
  readonly deviceIds: readonly string[];
  /** The first request. */
  readonly requestedAt: number | null;
  /** The last reservation of the vehicle, not after the pick-up. */
  readonly assigned: TripVehicleEvent | null;
  /** The first start. */
  readonly pickedUp: TripVehicleEvent | null;
  /** The last end, unless the trip was cancelled. */
  readonly droppedOff: TripVehicleEvent | null;
  /** The first cancellation after which no vehicle was reserved or on the trip. */
  readonly cancelled: Cancellation | null;
  /** `open` if no event ends the trip. */
  readonly stage: 'completed' | 'cancelled' | 'open' | 'incomplete';
  /** The last event of a vehicle that changed its stage. Later events of that vehicle may show that an open trip has ended. */
  readonly lastOfVehicle: TripVehicleEvent | null;
  readonly firstEventAt: number;
  readonly lastEventAt: number;
}

interface Cancellation {
  readonly at: number;
  readonly by: Canceller;
  /** `null` if the rider reported it. */
  readonly event: TripVehicleEvent | null;
}

const CANCELLERS: ReadonlyMap<VehicleEventType, Canceller> = new Map([
  ['passenger_cancellation', 'rider'],
  ['driver_cancellation', 'driver'],
  ['provider_cancellation', 'provider'],
]);
/** Event types after which a vehicle is reserved for a trip or on it. */
const UNDER_WAY: ReadonlySet<VehicleEventType> = new Set([
  'reservation_start',
  'reservation_stop',
  'trip_start',
  'trip_resume',
  'trip_stop',
]);
const STAGES: ReadonlySet<VehicleEventType> = new Set([...UNDER_WAY, ...CANCELLERS.keys(), 'trip_end']);

/**
 * Derives the course of a trip from its events. The result depends neither on their order nor on repetitions: events are
 * ordered by time and id.
 *
 * @returns `null` without any event
 */
export function courseOf(events: TripEvents): TripCourse | null {
  const vehicle = inOrder(events.vehicle, ({ fix }) => fix.at);
  const rider = inOrder(events.rider, ({ at }) => at);
  const times = [...vehicle.map(({ fix }) => fix.at), ...rider.map(({ at }) => at)];
  if (times.length === 0) return null;
  const staged = vehicle.filter(({ types }) => types.some((type) => STAGES.has(type)));
  const pickedUp = staged.find(({ types }) => types.includes('trip_start')) ?? null;
  const droppedOff = staged.findLast(({ types }) => types.includes('trip_end')) ?? null;
  const isCompleted = pickedUp !== null && droppedOff !== null && pickedUp.fix.at <= droppedOff.fix.at;
  const cancelled = isCompleted || droppedOff !== null ? null : cancellationOf(staged, rider);
  const deviceId = (pickedUp ?? staged.at(-1) ?? vehicle.at(-1))?.deviceId ?? null;
  const requestedAt = rider.find(({ type }) => type === 'ride_request')?.at ?? null;
  return {
    riderId: rider[0]?.riderId ?? null,
    deviceId,
    deviceIds: [...new Set(vehicle.map((event) => event.deviceId))].toSorted(),
    requestedAt,
    assigned: assignmentOf(staged, deviceId, pickedUp),
    pickedUp,
    droppedOff,
    cancelled,
    stage: stageOf({
      isCompleted,
      droppedOff,
      cancelled,
      hasBegun: requestedAt !== null || staged.length > 0,
    }),
    lastOfVehicle: staged.at(-1) ?? null,
    firstEventAt: Math.min(...times),
    lastEventAt: Math.max(...times),
  };
}

/** An open trip is incomplete if its vehicle has done something else since, or if its last event is old. */
export function stateOf(
  { stage, lastEventAt }: TripCourse,
  { isSuperseded, nowMs }: { readonly isSuperseded: boolean; readonly nowMs: number },
): TripState {
  if (stage !== 'open') return stage;
  return isSuperseded || nowMs - lastEventAt > OPEN_FOR_MS ? 'incomplete' : 'in_progress';
}

function stageOf({
  isCompleted,
  droppedOff,
  cancelled,
  hasBegun,
}: Pick<TripCourse, 'droppedOff' | 'cancelled'> & {
  readonly isCompleted: boolean;
  readonly hasBegun: boolean;
}): TripCourse['stage'] {
  if (isCompleted) return 'completed';
  if (cancelled !== null) return 'cancelled';
  // An end without a start, or a rating alone.
  return droppedOff !== null || !hasBegun ? 'incomplete' : 'open';
}

function assignmentOf(
  staged: readonly TripVehicleEvent[],
  deviceId: string | null,
  pickedUp: TripVehicleEvent | null,
): TripVehicleEvent | null {
  const last = pickedUp === null ? staged.length - 1 : staged.indexOf(pickedUp);
  const before = staged.slice(0, last + 1).filter((event) => event.deviceId === deviceId);
  return before.findLast(({ types }) => types.includes('reservation_start')) ?? null;
}

/** The rider may cancel in the app, the vehicle reports a cancellation by any party: the first of these counts. */
function cancellationOf(
  staged: readonly TripVehicleEvent[],
  rider: readonly TripRiderEvent[],
): Cancellation | null {
  const underWay = staged.findLast(({ types }) => UNDER_WAY.has(lastStageOf(types)));
  const earliest = underWay === undefined ? 0 : staged.indexOf(underWay) + 1;
  const event = staged[earliest] ?? null;
  const ofRider = rider.find(
    ({ type, at }) => type === 'ride_cancel' && at >= (underWay?.fix.at ?? Number.NEGATIVE_INFINITY),
  );
  if (event !== null && (ofRider === undefined || event.fix.at < ofRider.at)) {
    return { at: event.fix.at, by: CANCELLERS.get(lastStageOf(event.types))!, event };
  }
  return ofRider === undefined ? null : { at: ofRider.at, by: 'rider', event: null };
}

/** The stage after an event is that of its last event type that has one. */
function lastStageOf(types: readonly VehicleEventType[]): VehicleEventType {
  return types.findLast((type) => STAGES.has(type))!;
}

function inOrder<Event extends { readonly id: string }>(
  events: readonly Event[],
  timeOf: (event: Event) => number,
): Event[] {
  const distinct = new Map(events.map((event) => [`${event.id} ${timeOf(event)}`, event]));
  return [...distinct.values()].sort((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1));
}
