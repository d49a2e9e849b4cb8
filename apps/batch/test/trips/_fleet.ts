import { randomUUID } from 'node:crypto';
import type { RiderEvent, Telemetry, VehicleEvent, VehicleEventType, VehicleState } from '@hailstream/events';
import type { Random } from '@hailstream/service/testing';
import { DAY_MS, makeRiderEvent, makeTelemetry, makeVehicleEvent, PROVIDER, YESTERDAY } from '../_util.js';

/** Another provider, whose vehicles and trips have the same ids. */
const OTHER_PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000002';

/** An event of the log, in a form that tells its family. */
export type FleetEvent =
  | { readonly kind: 'telemetry'; readonly event: Telemetry }
  | { readonly kind: 'vehicle-events'; readonly event: VehicleEvent }
  | { readonly kind: 'rider-events'; readonly event: RiderEvent };

/** A vehicle that drives in a straight line at a constant speed of 4 m/s or more: its way between any two times is known. */
interface Line {
  readonly lat: number;
  readonly lng: number;
  /** Degrees per second. */
  readonly north: number;
  readonly east: number;
}

/** When the fleet starts: the trips of a day and a half cross two midnights. */
export const FLEET_STARTS = YESTERDAY - DAY_MS - 6 * 3_600_000;

export function placeOn(line: Line, at: number): { lat: number; lng: number } {
  const seconds = (at - FLEET_STARTS) / 1_000;
  return { lat: line.lat + line.north * seconds, lng: line.lng + line.east * seconds };
}

export interface Fleet {
  readonly events: readonly FleetEvent[];
  /** The lines of the vehicles, by provider and device. */
  readonly lines: ReadonlyMap<string, Line>;
}

/**
 * Makes the events of some vehicles. Trips are cancelled by any party, reassigned, cut off and rated; some of their events
 * were never sent.
 */
export function makeFleet(random: Random, { vehicles, trips }: { vehicles: number; trips: number }): Fleet {
  const events: FleetEvent[] = [];
  const lines = new Map<string, Line>();
  const devices = Array.from({ length: vehicles }, () => randomUUID());
  const sharedTripId = randomUUID();
  for (const provider of [PROVIDER, OTHER_PROVIDER]) {
    for (const device of devices) {
      const line = {
        lat: 43 + random.fraction(),
        lng: 7 + random.fraction(),
        north: (random.fraction() - 0.5) * 1e-4,
        east: 5e-5 + random.fraction() * 1e-4,
      };
      lines.set(`${provider} ${device}`, line);
      const vehicle = new FleetVehicle(random, { provider, device, devices, line });
      for (let number = 0; number < trips; number += 1) {
        vehicle.trip(number === 0 && device === devices[0] ? sharedTripId : randomUUID());
      }
      if (random.chance(0.5)) vehicle.openTrip(randomUUID());
      events.push(...vehicle.events);
    }
  }
  return { events, lines };
}

class FleetVehicle {
  readonly events: FleetEvent[] = [];
  private at: number;

  constructor(
    private readonly random: Random,
    private readonly vehicle: {
      readonly provider: string;
      readonly device: string;
      readonly devices: readonly string[];
      readonly line: Line;
    },
  ) {
    this.at = FLEET_STARTS + random.below(3_600_000);
  }

  trip(tripId: string): void {
    const { random } = this;
    this.at += random.below(5 * 3_600_000);
    if (random.chance(0.2)) this.changeTo('available', ['service_start'], null);
    if (random.chance(0.8)) this.rider('ride_request', tripId);
    if (random.chance(0.1)) return this.cancelOfRider(tripId);
    if (random.chance(0.15)) this.refusalOfAnother(tripId);
    const starts = this.at;
    if (random.chance(0.2)) {
      this.changeTo('on_trip', ['reservation_start', 'reservation_stop', 'trip_start'], tripId);
    } else {
      this.changeTo('reserved', ['reservation_start'], tripId);
      this.pass();
      if (random.chance(0.15)) return this.cancelOfVehicle(tripId, starts);
      if (random.chance(0.05)) return this.cancelOfRider(tripId);
      this.changeTo('stopped', ['reservation_stop'], tripId);
      this.changeTo('on_trip', ['trip_start'], tripId);
    }
    this.pass();
    if (random.chance(0.2)) {
      this.changeTo('non_contactable', ['comms_lost'], tripId);
      this.changeTo('on_trip', ['comms_restored'], tripId);
    }
    this.changeTo('stopped', ['trip_stop'], tripId);
    if (random.chance(0.05)) return this.cancelOfVehicle(tripId, starts);
    this.changeTo('available', ['trip_end'], tripId);
    this.telemetry(starts);
    if (random.chance(0.3)) this.rider('ride_rating', tripId);
  }

  /** A trip that has not ended yet. */
  openTrip(tripId: string): void {
    this.rider('ride_request', tripId);
    if (this.random.chance(0.3)) return;
    this.changeTo('reserved', ['reservation_start'], tripId);
    if (this.random.chance(0.5)) this.changeTo('on_trip', ['reservation_stop', 'trip_start'], tripId);
  }

  private cancelOfRider(tripId: string): void {
    this.pass();
    this.rider('ride_cancel', tripId);
    if (this.random.chance(0.5)) this.rider('ride_request', tripId);
  }

  private cancelOfVehicle(tripId: string, since: number): void {
    const by = this.random.pick([
      'driver_cancellation',
      'passenger_cancellation',
      'provider_cancellation',
    ] as const);
    this.changeTo('available', [by], tripId);
    this.telemetry(since);
    if (by === 'passenger_cancellation' && this.random.chance(0.5)) this.rider('ride_cancel', tripId);
  }

  /** Another vehicle was reserved before. */
  private refusalOfAnother(tripId: string): void {
    const device = this.random.pick(this.vehicle.devices);
    this.changeTo('reserved', ['reservation_start'], tripId, device);
    this.changeTo('available', ['driver_cancellation'], tripId, device);
  }

  /** One event in fifteen is never sent. Events of the same time are ordered by their ids. */
  private changeTo(
    vehicle_state: VehicleState,
    event_types: VehicleEventType[],
    tripId: string | null,
    device_id = this.vehicle.device,
  ): void {
    if (this.random.chance(0.8)) this.at += 1 + this.random.below(60_000);
    if (this.random.chance(1 / 15)) return;
    const event = makeVehicleEvent({
      device_id,
      provider_id: this.vehicle.provider,
      vehicle_state,
      event_types,
      timestamp: this.at,
      location: placeOn(this.vehicle.line, this.at),
      ...(tripId !== null && { trip_ids: [tripId] }),
    });
    this.events.push({ kind: 'vehicle-events', event });
  }

  private rider(event_type: RiderEvent['event_type'], trip_id: string): void {
    this.at += this.random.below(30_000);
    const event = makeRiderEvent({
      event_type,
      trip_id,
      provider_id: this.vehicle.provider,
      timestamp: this.at,
      ...(event_type === 'ride_rating' && { rating: 4 }),
    });
    this.events.push({ kind: 'rider-events', event });
  }

  private pass(): void {
    this.at += 60_000 + this.random.below(600_000);
  }

  /** Points from before a time until now, sometimes with speeds, and sometimes with a silence. */
  private telemetry(since: number): void {
    const { random } = this;
    if (random.chance(0.1)) return;
    const everyMs = random.pick([5_000, 10_000, 30_000]);
    const silence = random.chance(0.3) ? since + random.below(300_000) : Number.POSITIVE_INFINITY;
    for (let at = since - 30_000 - random.below(5_000); at < this.at + 30_000; at += everyMs) {
      if (at >= silence && at < silence + 240_000) continue;
      const event = makeTelemetry({
        device_id: this.vehicle.device,
        provider_id: this.vehicle.provider,
        timestamp: at,
        location: { ...placeOn(this.vehicle.line, at), horizontal_accuracy: 3 },
      });
      this.events.push({ kind: 'telemetry', event });
    }
  }
}
