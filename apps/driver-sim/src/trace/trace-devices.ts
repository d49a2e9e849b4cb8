import type { VehicleEvent } from '@hailstream/events';
import { TraceDevice, type TraceReports } from './trace-device.js';
import type { Fix } from './trace-format.js';

/** A cab without a fix for this long has lost contact; on the live map, its vehicle becomes silent then. */
export const CONTACT_TIMEOUT_MS = 600_000;

/** The devices of the cabs of a trace. The fixes must be in order of time, and those of the same time and cab in order of place. */
export class TraceDevices {
  private readonly devices = new Map<string, TraceDevice>();
  /** The devices with contact, in order of their last fix. */
  private readonly inContact = new Set<TraceDevice>();
  private readonly providerId: string;

  constructor(options: { providerId: string }) {
    this.providerId = options.providerId;
  }

  get count(): number {
    return this.devices.size;
  }

  /**
   * Returns the losses of contact until a recorded time, in order of time. `eventMsOf` converts recorded times to event
   * times. Call it before {@link reports} of a fix of that time.
   */
  lossesUntil(recordedMs: number, eventMsOf: (recordedMs: number) => number): VehicleEvent[] {
    const losses: VehicleEvent[] = [];
    for (const device of this.inContact) {
      const lostMs = device.lastMs + CONTACT_TIMEOUT_MS;
      if (lostMs >= recordedMs) break;
      this.inContact.delete(device);
      const loss = device.loseContact(eventMsOf(lostMs));
      if (loss !== undefined) losses.push(loss);
    }
    return losses;
  }

  /** Returns the reports for a fix; `undefined` if the previous fix of the cab has the same event time and position. */
  reports(fix: Fix, eventMs: number): TraceReports | undefined {
    let device = this.devices.get(fix.cab);
    if (device === undefined) {
      device = new TraceDevice(fix.cab, this.providerId);
      this.devices.set(fix.cab, device);
    }
    const reports = device.reports(fix, eventMs);
    this.inContact.delete(device);
    this.inContact.add(device);
    return reports;
  }
}
