import type {
  Location,
  RiderEvent,
  RiderEventType,
  VehicleEvent,
  VehicleEventType,
} from '@hailstream/events';
import { isNewer, latest, type Fact } from './newest.js';

/** Where a trip is: asked for, a vehicle on its way, under way, standing, over. */
export type TripStage = 'requested' | 'reserved' | 'on_trip' | 'stopped' | 'ended' | 'cancelled';

/** Stages in which a vehicle is busy with the trip. */
export const stagesUnderWay: ReadonlySet<TripStage | null> = new Set([
  'reserved',
  'on_trip',
  'stopped',
] as const);

/** Where an event type leaves the trips it names; those not here leave them where they are. */
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

/** One trip: what the rider, the vehicle and the operator said of it. */
export class TripFacts {
  /** Event time of the newest thing said of it. */
  heardAt = Number.NEGATIVE_INFINITY;
  private request: (Fact & { readonly destination: Location | null }) | null = null;
  private riderEvent: (Fact & { readonly type: RiderEventType }) | null = null;
  private riderCancelledAt: number | null = null;
  private vehicleEvent: (Fact & { readonly stage: TripStage; readonly deviceId: string }) | null = null;
  private vehicleCancelledAt: number | null = null;
  private endedAt: number | null = null;

  constructor(readonly tripId: string) {}

  /** Whether a vehicle event says anything of its trips. */
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
      this.request = { ...fact, destination: event.destination ?? null };
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
    if (stages.includes('cancelled')) {
      this.vehicleCancelledAt = latest(this.vehicleCancelledAt, timestamp);
    }
  }

  /** The operator reported it as over. */
  foldReport(endedAt: number): void {
    this.heard(endedAt);
    this.endedAt = latest(this.endedAt, endedAt);
  }

  /** `null` where nothing tells: a rating alone, for one. */
  get stage(): TripStage | null {
    if (this.endedAt !== null) return 'ended';
    const vehicle = this.vehicleEvent;
    const said = vehicle ?? this.request;
    if (this.riderCancelledAt !== null && this.riderCancelledAt >= (said?.timestamp ?? 0)) return 'cancelled';
    if (vehicle !== null) return vehicle.stage;
    return this.request === null ? null : 'requested';
  }

  /** The last time that it was cancelled, by whoever. */
  get cancelledAt(): number | null {
    return latest(this.riderCancelledAt, this.vehicleCancelledAt);
  }

  /** The vehicle that it was last with. */
  get deviceId(): string | null {
    return this.vehicleEvent?.deviceId ?? null;
  }

  get requestedAt(): number | null {
    return this.request?.timestamp ?? null;
  }

  get destination(): Location | null {
    return this.request?.destination ?? null;
  }

  get lastRiderEvent(): RiderEventType | null {
    return this.riderEvent?.type ?? null;
  }

  private heard(timestamp: number): void {
    this.heardAt = Math.max(this.heardAt, timestamp);
  }
}
