import assert from 'node:assert';
import type {
  Location,
  RiderEvent,
  RiderEventType,
  VehicleEvent,
  VehicleEventType,
} from '@hailstream/events';
import type { TripStage } from '@hailstream/events/live';
import { isNewer, latest, type Fact } from './newest.js';
import type { SeriesReader, SeriesWriter } from './series.js';

/** Stages in which a vehicle is reserved for or on the trip. */
export const stagesUnderWay: ReadonlySet<TripStage | null> = new Set([
  'reserved',
  'on_trip',
  'stopped',
] as const);

/** The stage of a trip after a vehicle event; event types that are not listed do not change it. */
const stageAfter: ReadonlyMap<VehicleEventType, TripStage> = new Map([
  ['reservation_start', 'reserved'],
  ['reservation_stop', 'stopped'],
  ['trip_start', 'on_trip'],
  ['trip_resume', 'on_trip'],
  ['trip_stop', 'stopped'],
  ['trip_end', 'ended'],
  ['driver_cancellation', 'cancelled'],
  ['passenger_cancellation', 'cancelled'],
  ['provider_cancellation', 'cancelled'],
]);

/** The stage of its trips after a vehicle event; `null` if the event does not change it. */
export function stageOf(event: VehicleEvent): TripStage | null {
  return event.event_types.flatMap((eventType) => stageAfter.get(eventType) ?? []).at(-1) ?? null;
}

/** When a trip reached its stages, in milliseconds; `null` if it did not, or if it is not known. */
interface TripTimes {
  readonly requestedAt: number | null;
  /** The first time that a vehicle was reserved for it. */
  readonly reservedAt: number | null;
  /** The first start. */
  readonly pickedUpAt: number | null;
  readonly completedAt: number | null;
  /** `null` for a cancelled reservation after which another vehicle was reserved. */
  readonly cancelledAt: number | null;
}

/** One trip, as reported by the rider, the vehicle and the operator. */
export class TripFacts {
  /** Event time of its newest event. */
  heardAt = Number.NEGATIVE_INFINITY;
  private request: (Fact & { readonly pickup: Location; readonly destination: Location | null }) | null =
    null;
  private riderEvent: (Fact & { readonly type: RiderEventType }) | null = null;
  private riderCancelledAt: number | null = null;
  private vehicleEvent: (Fact & { readonly stage: TripStage; readonly deviceId: string }) | null = null;
  private vehicleCancelledAt: number | null = null;
  private endedAt: number | null = null;
  private reservedAt: number | null = null;
  private pickedUpAt: number | null = null;

  constructor(readonly tripId: string) {}

  /** Whether a vehicle event changes the stage of its trips. */
  static concerns(event: VehicleEvent): boolean {
    return event.event_types.some((eventType) => stageAfter.has(eventType));
  }

  foldRiderEvent(event: RiderEvent, timestamp: number): void {
    const fact = { id: event.event_id, timestamp, lead: event.timestamp - timestamp, type: event.event_type };
    this.heard(timestamp);
    if (isNewer(fact, this.riderEvent)) this.riderEvent = fact;
    if (event.event_type === 'ride_cancel') {
      this.riderCancelledAt = latest(this.riderCancelledAt, timestamp);
    } else if (event.event_type === 'ride_request' && isNewer(fact, this.request)) {
      this.request = { ...fact, pickup: event.location, destination: event.destination ?? null };
    }
  }

  foldVehicleEvent(event: VehicleEvent, timestamp: number): void {
    const stages = event.event_types.flatMap((eventType) => stageAfter.get(eventType) ?? []);
    const stage = stages.at(-1);
    if (stage === undefined) return;
    const fact = {
      id: event.event_id,
      timestamp,
      lead: event.timestamp - timestamp,
      stage,
      deviceId: event.device_id,
    };
    this.heard(timestamp);
    if (isNewer(fact, this.vehicleEvent)) this.vehicleEvent = fact;
    if (stages.some((each) => stagesUnderWay.has(each)))
      this.reservedAt = earliest(this.reservedAt, timestamp);
    if (event.event_types.includes('trip_start')) this.pickedUpAt = earliest(this.pickedUpAt, timestamp);
    if (stages.includes('cancelled')) {
      this.vehicleCancelledAt = latest(this.vehicleCancelledAt, timestamp);
    }
  }

  /** Notes the operator's report of the finished trip. */
  foldReport(endedAt: number): void {
    this.heard(endedAt);
    this.endedAt = latest(this.endedAt, endedAt);
  }

  /** Adds other facts about the trip: the result is as if the events of both had been folded into one. */
  join(other: TripFacts): void {
    this.heard(other.heardAt);
    const { request, riderEvent, vehicleEvent } = other;
    if (request !== null && isNewer(request, this.request)) this.request = request;
    if (riderEvent !== null && isNewer(riderEvent, this.riderEvent)) this.riderEvent = riderEvent;
    if (vehicleEvent !== null && isNewer(vehicleEvent, this.vehicleEvent)) this.vehicleEvent = vehicleEvent;
    this.riderCancelledAt = latest(this.riderCancelledAt, other.riderCancelledAt);
    this.vehicleCancelledAt = latest(this.vehicleCancelledAt, other.vehicleCancelledAt);
    this.endedAt = latest(this.endedAt, other.endedAt);
    if (other.reservedAt !== null) this.reservedAt = earliest(this.reservedAt, other.reservedAt);
    if (other.pickedUpAt !== null) this.pickedUpAt = earliest(this.pickedUpAt, other.pickedUpAt);
  }

  /** `null` if it is unknown, for example after a rating alone. */
  get stage(): TripStage | null {
    if (this.endedAt !== null) return 'ended';
    const vehicle = this.vehicleEvent;
    const newest = vehicle ?? this.request;
    if (this.riderCancelledAt !== null && this.riderCancelledAt >= (newest?.timestamp ?? 0))
      return 'cancelled';
    if (vehicle !== null) return vehicle.stage;
    return this.request === null ? null : 'requested';
  }

  /** When it was last cancelled, by any party. */
  get cancelledAt(): number | null {
    return latest(this.riderCancelledAt, this.vehicleCancelledAt);
  }

  get times(): TripTimes {
    const { stage, vehicleEvent, reservedAt, pickedUpAt, requestedAt } = this;
    const endedAt = this.endedAt ?? vehicleEvent?.timestamp ?? null;
    return {
      requestedAt,
      reservedAt,
      pickedUpAt,
      completedAt: stage === 'ended' ? endedAt : null,
      cancelledAt: stage === 'cancelled' ? this.cancelledAt : null,
    };
  }

  /** The vehicle of its newest vehicle event. */
  get deviceId(): string | null {
    return this.vehicleEvent?.deviceId ?? null;
  }

  get requestedAt(): number | null {
    return this.request?.timestamp ?? null;
  }

  /** Where the rider was when requesting it. */
  get pickup(): Location | null {
    return this.request?.pickup ?? null;
  }

  get destination(): Location | null {
    return this.request?.destination ?? null;
  }

  get lastRiderEvent(): RiderEventType | null {
    return this.riderEvent?.type ?? null;
  }

  write(to: SeriesWriter): void {
    to.bytes.text(this.tripId);
    to.time(this.heardAt);
    to.time(this.riderCancelledAt);
    to.time(this.vehicleCancelledAt);
    to.time(this.endedAt);
    to.time(this.reservedAt);
    to.time(this.pickedUpAt);
    const { request, riderEvent, vehicleEvent } = this;
    to.bytes.count(Number(request !== null));
    if (request !== null) {
      to.fact(request);
      writeLocation(to, request.pickup);
      writeLocation(to, request.destination);
    }
    const isRequest = riderEvent !== null && request !== null && isSame(riderEvent, request);
    to.bytes.count(
      riderEvent === null ? RiderEventKind.null : RiderEventKind[isRequest ? 'request' : 'other'],
    );
    if (riderEvent !== null) {
      if (!isRequest) to.fact(riderEvent);
      to.bytes.repeatedText(riderEvent.type);
    }
    to.bytes.count(Number(vehicleEvent !== null));
    if (vehicleEvent !== null) {
      to.fact(vehicleEvent);
      to.bytes.repeatedText(vehicleEvent.stage);
      to.bytes.repeatedText(vehicleEvent.deviceId);
    }
  }

  static read(from: SeriesReader): TripFacts {
    const trip = new TripFacts(from.bytes.text());
    trip.heardAt = from.knownTime();
    trip.riderCancelledAt = from.time();
    trip.vehicleCancelledAt = from.time();
    trip.endedAt = from.time();
    trip.reservedAt = from.time();
    trip.pickedUpAt = from.time();
    if (from.bytes.count() === 1) {
      // Without spread syntax, which takes a third of the time of reading a trip.
      const { id, timestamp, lead } = from.fact();
      const pickup = readLocation(from);
      const destination = readLocation(from);
      assert.ok(pickup !== null, 'the pickup is known');
      trip.request = { id, timestamp, lead, pickup, destination };
    }
    const kind = from.bytes.count();
    if (kind !== RiderEventKind.null) {
      const { id, timestamp, lead } = kind === RiderEventKind.request ? trip.request! : from.fact();
      trip.riderEvent = { id, timestamp, lead, type: from.bytes.repeatedText() as RiderEventType };
    }
    if (from.bytes.count() === 1) {
      const { id, timestamp, lead } = from.fact();
      const stage = from.bytes.repeatedText() as TripStage;
      trip.vehicleEvent = { id, timestamp, lead, stage, deviceId: from.bytes.repeatedText() };
    }
    return trip;
  }

  private heard(timestamp: number): void {
    this.heardAt = Math.max(this.heardAt, timestamp);
  }
}

function earliest(known: number | null, time: number): number {
  return known === null ? time : Math.min(known, time);
}

/** How the newest rider event is written: most often it is the request. */
const RiderEventKind = { null: 0, other: 1, request: 2 } as const;

/** How a location is written. */
const LocationKind = { null: 0, place: 1, json: 2 } as const;

function isSame(one: Fact, other: Fact): boolean {
  return one.id === other.id && one.timestamp === other.timestamp && one.lead === other.lead;
}

function writeLocation(to: SeriesWriter, location: Location | null): void {
  if (location === null) return to.bytes.count(LocationKind.null);
  if (Object.keys(location).length === 2) {
    to.bytes.count(LocationKind.place);
    return to.place(location);
  }
  to.bytes.count(LocationKind.json);
  to.bytes.text(JSON.stringify(location));
}

function readLocation(from: SeriesReader): Location | null {
  const kind = from.bytes.count();
  if (kind === LocationKind.null) return null;
  return kind === LocationKind.place ? from.place() : (JSON.parse(from.bytes.text()) as Location);
}
