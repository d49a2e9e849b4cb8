import type { Location, Telemetry, Trip, VehicleEvent, VehicleEventType } from '@hailstream/events';
import { distanceMeters, headingDegrees } from '@hailstream/roads';
import { v5 as uuidV5 } from 'uuid';
import type { Fix } from './trace-format.js';
import { MAX_SPEED_METERS_PER_SECOND, TraceTrip } from './trace-trip.js';

/** Namespace of the UUIDv5 device ids of recorded cabs. Changing it changes all device ids. */
const CAB_NAMESPACE = '6f1d2c0a-8d0e-4a8e-9d53-3f6f6f1f7a10';

/** Maximum time between two fixes from which speed and heading are derived. */
const MAX_GAP_MS = 120_000;

/** Shorter distances are noise of the GPS receiver and have no heading. */
const MIN_MOVE_METERS = 10;

/**
 * How MDS leads from `available` to `on_trip` and back. A trace does not contain the reservation and the stops, so all
 * steps are in one event.
 */
const TRIP_STARTS = ['reservation_start', 'reservation_stop', 'trip_start'] as const;
const TRIP_ENDS = ['trip_stop', 'trip_end'] as const;

/** What the operator reports for a fix. */
export interface TraceReports {
  /** The change of the vehicle's state, if it has changed. */
  readonly event: VehicleEvent | undefined;
  readonly telemetry: Telemetry;
  /** The trip that has ended. */
  readonly trip: Trip | undefined;
}

/**
 * The device of a recorded cab. It converts fixes to telemetry, and changes of the occupancy to vehicle events and trips.
 * Ids are UUIDv5 of provider, device and event time, and for telemetry also of the place.
 */
export class TraceDevice {
  private readonly id: string;
  private last: (Fix & { readonly eventMs: number; readonly location: Location }) | undefined;
  private lastVehicleEventMs = -Infinity;
  /** `undefined` until the first fix with an occupancy. */
  private isOccupied: boolean | undefined;
  private isLost = false;
  private trip: TraceTrip | undefined;

  constructor(
    cab: string,
    private readonly providerId: string,
  ) {
    this.id = uuidV5(cab, CAB_NAMESPACE);
  }

  /** Recorded time of its last fix; `-Infinity` before the first one. */
  get lastMs(): number {
    return this.last?.timestampMs ?? -Infinity;
  }

  /** Returns the reports for its next fix; `undefined` if the last fix has the same time and position. */
  reports(fix: Fix, eventMs: number): TraceReports | undefined {
    const { last } = this;
    if (last !== undefined && last.eventMs === eventMs && last.lat === fix.lat && last.lng === fix.lng) {
      return undefined;
    }
    const location = { lat: fix.lat, lng: fix.lng, ...this.motionTo(fix) };
    this.last = { ...fix, eventMs, location };
    const { trip } = this;
    trip?.add(fix);
    const event = this.updateState(fix, eventMs, location);
    const end = { deviceId: this.id, providerId: this.providerId, eventMs };
    return {
      event,
      telemetry: this.telemetry(fix, eventMs, location),
      trip: trip === this.trip ? undefined : trip?.report(end),
    };
  }

  /** Returns the `comms_lost` event after the last fix, or no event if the state is unknown. */
  loseContact(eventMs: number): VehicleEvent | undefined {
    if (this.last === undefined || this.isOccupied === undefined) return undefined;
    this.isLost = true;
    this.trip?.interrupt();
    return this.vehicleEvent({
      vehicle_state: 'non_contactable',
      event_types: ['comms_lost'],
      timestamp: eventMs,
      location: this.last.location,
      trip: this.trip,
    });
  }

  private updateState(fix: Fix, eventMs: number, location: Location): VehicleEvent | undefined {
    const wasOccupied = this.isOccupied;
    const isOccupied = fix.occupied ?? wasOccupied;
    if (isOccupied === undefined) return undefined;
    const eventTypes: VehicleEventType[] = this.isLost ? ['comms_restored'] : [];
    const { trip } = this;
    if (wasOccupied === undefined) {
      // A cab that is occupied at first has started its trip before the recording.
      eventTypes.push(isOccupied ? 'comms_restored' : 'service_start');
    } else if (isOccupied !== wasOccupied) {
      eventTypes.push(...(isOccupied ? TRIP_STARTS : TRIP_ENDS));
    }
    if (isOccupied && trip === undefined) {
      const isKnown = wasOccupied === false && !this.isLost;
      this.trip = new TraceTrip(this.idOf(`trip:${eventMs}`), { fix, eventMs }, isKnown);
    } else if (!isOccupied) {
      this.trip = undefined;
    }
    this.isOccupied = isOccupied;
    this.isLost = false;
    if (eventTypes.length === 0) return undefined;
    return this.vehicleEvent({
      vehicle_state: isOccupied ? 'on_trip' : 'available',
      event_types: eventTypes,
      timestamp: eventMs,
      location,
      trip: this.trip ?? trip,
    });
  }

  private vehicleEvent({
    trip,
    ...event
  }: Pick<VehicleEvent, 'vehicle_state' | 'event_types' | 'timestamp' | 'location'> & {
    trip: TraceTrip | undefined;
  }): VehicleEvent {
    // Timestamps are unique, so that they determine the order of the events.
    const timestamp = Math.max(event.timestamp, this.lastVehicleEventMs + 1);
    this.lastVehicleEventMs = timestamp;
    return {
      ...event,
      device_id: this.id,
      provider_id: this.providerId,
      event_id: this.idOf(`event:${timestamp}`),
      timestamp,
      ...(trip !== undefined && { trip_ids: [trip.id] }),
    };
  }

  private telemetry(fix: Fix, eventMs: number, location: Location): Telemetry {
    return {
      device_id: this.id,
      provider_id: this.providerId,
      // The position is part of the name, because two fixes with the same time are two events.
      telemetry_id: this.idOf(`telemetry:${eventMs}:${fix.lat},${fix.lng}`),
      timestamp: eventMs,
      trip_ids: this.trip === undefined ? null : [this.trip.id],
      journey_id: null,
      location,
    };
  }

  private idOf(name: string): string {
    return uuidV5(`${this.providerId}:${name}`, this.id);
  }

  /** Returns speed and heading since the last fix if they are plausible. */
  private motionTo(fix: Fix): { speed?: number; heading?: number } {
    const { last } = this;
    if (last === undefined) return {};
    const elapsedMs = fix.timestampMs - last.timestampMs;
    if (elapsedMs <= 0 || elapsedMs > MAX_GAP_MS) return {};
    const meters = distanceMeters(last, fix);
    const speed = meters / (elapsedMs / 1_000);
    if (speed > MAX_SPEED_METERS_PER_SECOND) return {};
    const heading = meters >= MIN_MOVE_METERS ? headingDegrees(last, fix) : last.location.heading;
    return {
      speed: Math.round(speed * 10) / 10,
      ...(heading !== undefined && { heading: Math.round(heading) % 360 }),
    };
  }
}
