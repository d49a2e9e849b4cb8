import type { Telemetry } from '@hailstream/events';
import { v5 as uuidV5 } from 'uuid';
import { distanceMeters, headingDegrees } from '../geo/geo.js';
import type { Fix } from './trace-format.js';

/** Device ids of recorded cabs are UUIDv5 of their names in this namespace. Changing it makes them other devices. */
const CAB_NAMESPACE = '6f1d2c0a-8d0e-4a8e-9d53-3f6f6f1f7a10';

/** Longest time between two fixes that still tells how fast the cab went. */
const MAX_GAP_MS = 120_000;

/** Faster than any cab: one of the two fixes is wrong. */
const MAX_SPEED_METERS_PER_SECOND = 55;

/** Shorter moves are the receiver's noise and have no direction. */
const MIN_MOVE_METERS = 10;

/** The device id of a recorded cab. */
export function cabDeviceId(cab: string): string {
  return uuidV5(cab, CAB_NAMESPACE);
}

interface Device {
  readonly id: string;
  last: Fix | undefined;
  lastEventMs: number;
  heading: number | undefined;
  tripId: string | undefined;
}

/**
 * Makes telemetry of fixes as the cabs' devices would have sent it. Ids are UUIDv5 of the provider, the device, the event
 * time and the place, so the same fixes at the same times are the same events, and those of another provider are others.
 */
export class TraceDevices {
  private readonly devices = new Map<string, Device>();
  private readonly providerId: string;

  constructor(options: { providerId: string }) {
    this.providerId = options.providerId;
  }

  get count(): number {
    return this.devices.size;
  }

  /**
   * The telemetry point of a fix, at its time now; `undefined` if it is at the same time and place as the one before it.
   * Of each cab, fixes come by time, and those of the same time and place follow each other.
   */
  telemetry(fix: Fix, eventMs: number): Telemetry | undefined {
    const device = this.device(fix.cab);
    if (device.last !== undefined && device.lastEventMs === eventMs && isSamePlace(device.last, fix)) {
      return undefined;
    }
    const motion = motionOf(device, fix);
    const tripId =
      fix.occupied === true ? (device.tripId ?? this.idOf(device, `trip:${eventMs}`)) : undefined;
    // Of two fixes at the same time each is an event of its own, so what they say is part of the name.
    const telemetryId = this.idOf(device, `telemetry:${eventMs}:${fix.lat},${fix.lng}`);
    device.heading = motion.heading;
    device.tripId = tripId;
    device.last = fix;
    device.lastEventMs = eventMs;
    return {
      device_id: device.id,
      provider_id: this.providerId,
      telemetry_id: telemetryId,
      timestamp: eventMs,
      trip_ids: tripId === undefined ? null : [tripId],
      journey_id: null,
      location: { lat: fix.lat, lng: fix.lng, ...motion },
    };
  }

  private idOf(device: Device, name: string): string {
    return uuidV5(`${this.providerId}:${name}`, device.id);
  }

  private device(cab: string): Device {
    let device = this.devices.get(cab);
    if (device === undefined) {
      device = {
        id: cabDeviceId(cab),
        last: undefined,
        lastEventMs: NaN,
        heading: undefined,
        tripId: undefined,
      };
      this.devices.set(cab, device);
    }
    return device;
  }
}

function isSamePlace(a: Fix, b: Fix): boolean {
  return a.lat === b.lat && a.lng === b.lng;
}

/** Speed and heading since the device's last fix, as far as the two tell. */
function motionOf(device: Device, fix: Fix): { speed?: number; heading?: number } {
  if (device.last === undefined) return {};
  const elapsedMs = fix.timestampMs - device.last.timestampMs;
  if (elapsedMs <= 0 || elapsedMs > MAX_GAP_MS) return {};
  const meters = distanceMeters(device.last, fix);
  const speed = meters / (elapsedMs / 1_000);
  if (speed > MAX_SPEED_METERS_PER_SECOND) return {};
  const heading = meters >= MIN_MOVE_METERS ? headingDegrees(device.last, fix) : device.heading;
  return {
    speed: Math.round(speed * 10) / 10,
    ...(heading !== undefined && { heading: Math.round(heading) % 360 }),
  };
}
