import type { Trip } from '@hailstream/events';
import { distanceMeters } from '@hailstream/roads';
import type { Fix } from './trace-format.js';

/** Above this speed, one of the two fixes is wrong. */
export const MAX_SPEED_METERS_PER_SECOND = 55;

/** A trip of a recorded cab: the fixes from the first to the last occupied one, and the fix at which it has ended. */
export class TraceTrip {
  private meters = 0;
  private last: Fix;

  /**
   * @param isKnown whether its start and all of its way were recorded. Only such a trip is reported: of another, start
   * time, distance or both are unknown.
   */
  constructor(
    readonly id: string,
    private readonly start: { readonly fix: Fix; readonly eventMs: number },
    private isKnown: boolean,
  ) {
    this.last = start.fix;
  }

  /** Adds the way to a fix. Ways that no car can drive are those to and from a wrong fix, and are not added. */
  add(fix: Fix): void {
    const meters = distanceMeters(this.last, fix);
    const seconds = (fix.timestampMs - this.last.timestampMs) / 1_000;
    if (meters <= MAX_SPEED_METERS_PER_SECOND * seconds) this.meters += meters;
    this.last = fix;
  }

  /** Marks the trip as partly unrecorded. */
  interrupt(): void {
    this.isKnown = false;
  }

  /**
   * Returns the report of the trip that ended at `eventMs`, with what a trace can tell; `undefined` if a required field of
   * MDS is unknown.
   */
  report(end: { deviceId: string; providerId: string; eventMs: number }): Trip | undefined {
    if (!this.isKnown) return undefined;
    const { fix, eventMs } = this.start;
    return {
      provider_id: end.providerId,
      device_id: end.deviceId,
      trip_id: this.id,
      start_time: eventMs,
      end_time: end.eventMs,
      start_location: { lat: fix.lat, lng: fix.lng },
      end_location: { lat: this.last.lat, lng: this.last.lng },
      duration: Math.round((end.eventMs - eventMs) / 1_000),
      distance: Math.round(this.meters),
    };
  }
}
