import type { Location, Telemetry, VehicleEventType, VehicleState } from '@hailstream/events';
import type { Journey } from './ride.js';
import type { World } from './world.js';

/** Parked cars report less often. */
const TELEMETRY_EVERY_MS = { moving: 0, standing: 5_000, offDuty: 20_000 };

/** Probability per second that a car on duty loses contact. About one in a hundred has no contact at a time. */
const CONTACT_LOSS_CHANCE = 0.000_2;
const NO_CONTACT_MS = [20_000, 90_000] as const;

/** What a device reports besides the state of its vehicle. */
interface Situation {
  readonly location: Location;
  /** The ride that the vehicle is reserved for or on. */
  readonly journey: Journey | undefined;
  /** In percent, if the vehicle has a battery. */
  readonly battery: number | undefined;
}

/** The device of a vehicle: emits its events and telemetry, and buffers telemetry while it has no contact. */
export class Device {
  private state: VehicleState = 'non_operational';
  private contactBackMs: number | undefined;
  /** Telemetry since contact was lost, bounded by {@link NO_CONTACT_MS}. */
  private buffered: Telemetry[] = [];
  private eventMs = 0;
  private lastTelemetryMs = -Infinity;

  constructor(
    private readonly deviceId: string,
    private readonly world: World,
    private readonly situation: () => Situation,
  ) {}

  get hasContact(): boolean {
    return this.contactBackMs === undefined;
  }

  /** The time of the last event. */
  get lastEventMs(): number {
    return this.eventMs;
  }

  /** Loses contact at random, and regains it when the time has come. */
  updateContact(nowMs: number): void {
    if (this.contactBackMs !== undefined) {
      if (nowMs >= this.contactBackMs) this.regainContact(nowMs);
      return;
    }
    if (this.state === 'non_operational' || !this.world.random.chance(CONTACT_LOSS_CHANCE)) return;
    this.contactBackMs = nowMs + this.world.random.between(...NO_CONTACT_MS);
    // Reported by the operator, because the device has no contact.
    this.emitEvent('comms_lost', 'non_contactable', nowMs);
  }

  /** Emits the buffered telemetry, if contact was lost. */
  regainContact(nowMs: number): void {
    if (this.contactBackMs === undefined) return;
    this.contactBackMs = undefined;
    for (const point of this.buffered) this.world.emit('telemetry', point);
    this.buffered = [];
    this.emitEvent('comms_restored', this.state, nowMs);
  }

  /** Reports a change of the vehicle's state. */
  change(eventType: VehicleEventType, state: VehicleState, nowMs: number): void {
    this.state = state;
    this.emitEvent(eventType, state, nowMs);
  }

  /** Emits a telemetry point if the interval has passed. */
  emitTelemetry(pace: keyof typeof TELEMETRY_EVERY_MS, nowMs: number): void {
    if (nowMs - this.lastTelemetryMs < TELEMETRY_EVERY_MS[pace]) return;
    this.lastTelemetryMs = nowMs;
    const { emit, ids, providerId } = this.world;
    const { location, journey, battery } = this.situation();
    const point: Telemetry = {
      device_id: this.deviceId,
      provider_id: providerId,
      telemetry_id: ids.next(nowMs),
      timestamp: nowMs,
      trip_ids: journey === undefined ? null : [journey.ride.tripId],
      journey_id: journey?.journeyId ?? null,
      location,
      location_type: 'street',
      ...(battery !== undefined && { battery_percent: battery }),
    };
    if (this.hasContact) emit('telemetry', point);
    else this.buffered.push(point);
  }

  private emitEvent(eventType: VehicleEventType, state: VehicleState, nowMs: number): void {
    const { emit, ids, providerId } = this.world;
    // Timestamps are unique, so that they determine the order of the events.
    const timestamp = Math.max(nowMs, this.eventMs + 1);
    this.eventMs = timestamp;
    const { location, journey, battery } = this.situation();
    emit('vehicle-events', {
      device_id: this.deviceId,
      provider_id: providerId,
      event_id: ids.next(timestamp),
      vehicle_state: state,
      event_types: [eventType],
      timestamp,
      location,
      ...(battery !== undefined && { battery_percent: battery }),
      ...(journey !== undefined && { trip_ids: [journey.ride.tripId] }),
    });
  }
}
