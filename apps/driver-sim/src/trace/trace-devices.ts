import type { Telemetry } from '@hailstream/events';
import { v5 as uuidV5 } from 'uuid';
import { distanceMeters, headingDegrees } from '../geo/geo.js';
import type { Fix } from './trace-format.js';

/** Namespace of the UUIDv5 device ids of recorded cabs. Changing it changes all device ids. */
const CAB_NAMESPACE = '6f1d2c0a-8d0e-4a8e-9d53-3f6f6f1f7a10';

/** Maximum time between two fixes from which speed and heading are derived. */
const MAX_GAP_MS = 120_000;

/** Above this speed, one of the two fixes is wrong. */
const MAX_SPEED_METERS_PER_SECOND = 55;

/** Shorter distances are noise of the GPS receiver and have no heading. */
const MIN_MOVE_METERS = 10;

/** Returns the device id of a recorded cab. */
function cabDeviceId(cab: string): string {
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
 * Converts fixes to the telemetry that the devices of the cabs would have sent. Event ids are UUIDv5 of provider, device,
 * event time and position, so the same fix at the same time is the same event, and another event for another provider.
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
   * Returns the telemetry point of a fix; `undefined` if the previous fix of the cab has the same time and position. The fixes
   * of a cab must be in order of time, and those with the same time in order of position.
   */
  telemetry(fix: Fix, eventMs: number): Telemetry | undefined {
    const device = this.device(fix.cab);
    if (device.last !== undefined && device.lastEventMs === eventMs && isSamePlace(device.last, fix)) {
      return undefined;
    }
    const motion = motionOf(device, fix);
    const tripId =
      fix.occupied === true ? (device.tripId ?? this.idOf(device, `trip:${eventMs}`)) : undefined;
    // The position is part of the name, because two fixes with the same time are two events.
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

/** Returns speed and heading since the device's last fix if they are plausible. */
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
