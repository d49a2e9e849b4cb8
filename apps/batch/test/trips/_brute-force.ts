import type { VehicleEvent } from '@hailstream/events';
import { placeOn, type Fleet, type FleetEvent } from './_fleet.js';

/** What a trip has to be, computed from all events at once. */
export interface ExpectedTrip {
  readonly provider_id: string;
  readonly trip_id: string;
  readonly state: string;
  readonly device_id: string | null;
  readonly requested_at: number | null;
  readonly assigned_at: number | null;
  readonly picked_up_at: number | null;
  readonly dropped_off_at: number | null;
  readonly cancelled_at: number | null;
  readonly cancelled_by: string | null;
  readonly events: number;
  /** Of the way in which the vehicle moved, if there is telemetry of it. */
  readonly distance_meters: number | null;
}

type OfVehicle = Extract<FleetEvent, { kind: 'vehicle-events' }>['event'];

const UNDER_WAY = /^(reservation_start|reservation_stop|trip_start|trip_resume|trip_stop)$/;
const CHANGES = /^(reservation_|trip_|.*_cancellation$)/;

/** Whether one event is after another one: later, or at the same time with a greater id. */
function isAfter(one: VehicleEvent, other: VehicleEvent): boolean {
  return (
    one.timestamp > other.timestamp || (one.timestamp === other.timestamp && one.event_id > other.event_id)
  );
}

/** Rebuilds all trips: of every trip, every event is compared with every other one. */
export function bruteForce({ events, lines }: Fleet, nowMs: number): ExpectedTrip[] {
  const trips = new Map<string, { provider: string; trip: string }>();
  for (const { kind, event } of events) {
    const ids = kind === 'rider-events' ? [event.trip_id] : kind === 'vehicle-events' ? event.trip_ids : [];
    for (const trip of ids ?? [])
      trips.set(`${event.provider_id}${trip}`, { provider: event.provider_id, trip });
  }
  return [...trips.values()]
    .map(({ provider, trip }) => expected({ events, lines }, { provider, trip, nowMs }))
    .sort((a, b) => (a.provider_id + a.trip_id < b.provider_id + b.trip_id ? -1 : 1));
}

function expected(
  { events, lines }: Fleet,
  { provider, trip, nowMs }: { provider: string; trip: string; nowMs: number },
): ExpectedTrip {
  const ofProvider = events.filter(({ event }) => event.provider_id === provider);
  const everyVehicle = ofProvider.flatMap((each) => (each.kind === 'vehicle-events' ? [each.event] : []));
  const named = everyVehicle.filter(({ trip_ids }) => trip_ids?.includes(trip) === true);
  const vehicle = named.filter(({ event_types }) => event_types.some((type) => CHANGES.test(type)));
  const rider = ofProvider.flatMap((each) =>
    each.kind === 'rider-events' && each.event.trip_id === trip ? [each.event] : [],
  );
  const timesOf = (type: string): number[] =>
    rider.filter(({ event_type }) => event_type === type).map(({ timestamp }) => timestamp);
  const having = (type: OfVehicle['event_types'][number]): OfVehicle[] =>
    vehicle.filter(({ event_types }) => event_types.includes(type));
  const first = (list: OfVehicle[]) =>
    list.find((one) => list.every((each) => each === one || isAfter(each, one)));
  const last = (list: OfVehicle[]) =>
    list.find((one) => list.every((each) => each === one || isAfter(one, each)));

  const pickup = first(having('trip_start'));
  const dropoff = last(having('trip_end'));
  const newest = last(vehicle);
  const device = (pickup ?? newest ?? last(named))?.device_id ?? null;
  const assigned = last(
    having('reservation_start').filter(
      (event) => event.device_id === device && (pickup === undefined || !isAfter(event, pickup)),
    ),
  );
  const isCompleted = pickup !== undefined && dropoff !== undefined && pickup.timestamp <= dropoff.timestamp;
  const lastUnderWay = last(vehicle.filter(({ event_types }) => UNDER_WAY.test(event_types.at(-1)!)));
  const cancellations = [
    ...timesOf('ride_cancel')
      .filter((at) => lastUnderWay === undefined || at >= lastUnderWay.timestamp)
      .map((at) => ({ at, by: 'rider', order: 0 })),
    ...vehicle
      .filter(({ event_types }) => event_types.some((type) => type.endsWith('_cancellation')))
      .filter((event) => lastUnderWay === undefined || isAfter(event, lastUnderWay))
      .map(({ timestamp, event_types }) => ({
        at: timestamp,
        by: event_types.at(-1)!.replace('_cancellation', '').replace('passenger', 'rider'),
        order: 1,
      })),
  ].sort((a, b) => a.at - b.at || a.order - b.order);
  const cancelled = dropoff === undefined ? cancellations[0] : undefined;
  const isSuperseded =
    newest !== undefined &&
    everyVehicle.some(
      (event) =>
        event.device_id === newest.device_id &&
        isAfter(event, newest) &&
        event.trip_ids?.includes(trip) !== true &&
        (event.vehicle_state === 'available' ||
          event.vehicle_state === 'non_operational' ||
          (event.vehicle_state !== 'non_contactable' && (event.trip_ids ?? []).length > 0)),
    );
  const requests = timesOf('ride_request');
  const lastHeard = Math.max(...[...named, ...rider].map(({ timestamp }) => timestamp));
  const isOpen = dropoff === undefined && (requests.length > 0 || vehicle.length > 0);
  const isOver = isSuperseded || nowMs - lastHeard > 86_400_000;
  const open = isOpen && !isOver ? 'in_progress' : 'incomplete';
  return {
    provider_id: provider,
    trip_id: trip,
    state: isCompleted ? 'completed' : cancelled === undefined ? open : 'cancelled',
    device_id: device,
    requested_at: requests.length === 0 ? null : Math.min(...requests),
    assigned_at: assigned?.timestamp ?? null,
    picked_up_at: pickup?.timestamp ?? null,
    dropped_off_at: dropoff?.timestamp ?? null,
    cancelled_at: cancelled?.at ?? null,
    cancelled_by: cancelled?.by ?? null,
    events: named.length + rider.length,
    distance_meters: isCompleted ? drivenBetween({ events, lines }, pickup, dropoff) : null,
  };
}

/** `null` without telemetry of the vehicle in the meantime. */
function drivenBetween({ events, lines }: Fleet, pickup: OfVehicle, dropoff: OfVehicle): number | null {
  const isHeard = events.some(
    ({ kind, event }) =>
      kind === 'telemetry' &&
      event.device_id === pickup.device_id &&
      event.provider_id === pickup.provider_id &&
      event.timestamp >= pickup.timestamp &&
      event.timestamp <= dropoff.timestamp,
  );
  if (!isHeard) return null;
  const line = lines.get(`${pickup.provider_id} ${pickup.device_id}`)!;
  return vincenty(placeOn(line, pickup.timestamp), placeOn(line, dropoff.timestamp));
}

/** The geodesic on WGS 84 by Vincenty's inverse formula, in metres. */
function vincenty(one: { lat: number; lng: number }, other: { lat: number; lng: number }): number {
  const [a, f] = [6_378_137, 1 / 298.257223563];
  const b = a * (1 - f);
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const [u1, u2] = [one.lat, other.lat].map((lat) => Math.atan((1 - f) * Math.tan(radians(lat)))) as [
    number,
    number,
  ];
  const length = radians(other.lng - one.lng);
  let lambda = length;
  for (let round = 0; round < 100; round += 1) {
    const sinSigma = Math.hypot(
      Math.cos(u2) * Math.sin(lambda),
      Math.cos(u1) * Math.sin(u2) - Math.sin(u1) * Math.cos(u2) * Math.cos(lambda),
    );
    if (sinSigma === 0) return 0;
    const cosSigma = Math.sin(u1) * Math.sin(u2) + Math.cos(u1) * Math.cos(u2) * Math.cos(lambda);
    const sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = (Math.cos(u1) * Math.cos(u2) * Math.sin(lambda)) / sinSigma;
    const cos2Alpha = 1 - sinAlpha ** 2;
    const middle = cosSigma - (2 * Math.sin(u1) * Math.sin(u2)) / cos2Alpha;
    const c = (f / 16) * cos2Alpha * (4 + f * (4 - 3 * cos2Alpha));
    const before = lambda;
    lambda =
      length +
      (1 - c) * f * sinAlpha * (sigma + c * sinSigma * (middle + c * cosSigma * (2 * middle ** 2 - 1)));
    if (Math.abs(lambda - before) > 1e-12) continue;
    const uSquared = (cos2Alpha * (a ** 2 - b ** 2)) / b ** 2;
    const bigA = 1 + (uSquared / 16_384) * (4_096 + uSquared * (-768 + uSquared * (320 - 175 * uSquared)));
    const bigB = (uSquared / 1_024) * (256 + uSquared * (-128 + uSquared * (74 - 47 * uSquared)));
    const delta =
      bigB *
      sinSigma *
      (middle +
        (bigB / 4) *
          (cosSigma * (2 * middle ** 2 - 1) -
            (bigB / 6) * middle * (4 * sinSigma ** 2 - 3) * (4 * middle ** 2 - 3)));
    return b * bigA * (sigma - delta);
  }
  throw new Error('the formula does not converge');
}
