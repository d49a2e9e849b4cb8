import type { Telemetry, VehicleEvent, VehicleState } from '@hailstream/events';
import {
  distanceMeters,
  isZeroPosition,
  speedRatio,
  unitOfRatio,
  type Fix,
} from '@hailstream/events/plausibility';
import { ratioBucketOf } from './histogram.js';
import type { Observation } from './observation.js';
import { countIndex } from './slot.js';

/** States in which a vehicle need not send positions. */
const OUT_OF_SERVICE: ReadonlySet<VehicleState> = new Set([
  'non_operational',
  'non_contactable',
  'elsewhere',
  'removed',
]);

/** A new anchor is set after so many metres, or so long. */
const ANCHOR_METERS = 15;
const ANCHOR_MS = 30_000;

/** Faster than this, a vehicle cannot stay at the same place. */
const MOVING_SPEED = 2;

/** Points further apart say nothing about a stuck position. */
const MAX_STUCK_INTERVAL_MS = 120_000;

/** A vehicle on a trip that sends no speed is stuck if its position has not changed for this long. */
const STUCK_ON_TRIP_MS = 90_000;

/** Interval between receipts: the weight of the last one in the average, and the least that is assumed. */
const INTERVAL_WEIGHT = 0.2;
const LEAST_INTERVAL_MS = 1_000;

/** A vehicle is silent after so many of its usual intervals, and so many milliseconds. */
const SILENT_INTERVALS = 6;
const SILENT_AFTER_MS = 30_000;
/** Intervals that are not known yet. */
const UNKNOWN_INTERVAL_MS = 10_000;

/** A point in relation to the one that was received before. */
type Order = 'first' | 'in-order' | 'repeated' | 'out-of-order';

/** A point is paced if the two intervals differ by less than half of the interval between events, or by this. */
const PACE_MS = 500;

/** A fix that is used again for the next one: a new one per point would outlive the young generation. */
interface CurrentFix extends Fix {
  lat: number;
  lng: number;
  timestamp: number;
  speed: number | undefined;
}

function unknownFix(): CurrentFix {
  return { lat: 0, lng: 0, timestamp: Number.NEGATIVE_INFINITY, speed: undefined };
}

function copyFix(into: CurrentFix, { lat, lng, timestamp, speed }: Fix): void {
  into.lat = lat;
  into.lng = lng;
  into.timestamp = timestamp;
  into.speed = speed;
}

/** The last point and state of a vehicle of a feed. Points and states are independent: they come in different topics. */
export class Device {
  /** The point that was received last. */
  private readonly last = unknownFix();
  /** The point from which the vehicle's own speed is measured. */
  private readonly anchor = unknownFix();
  /** Time of the first point at the current position. */
  private placedAt = 0;
  private stateAt = Number.NEGATIVE_INFINITY;
  private isOutOfService = false;
  /** Of the last point in the order of the log, and the latest. */
  private lastReceivedAt = 0;
  receivedAt: number | null = null;
  private intervalMs: number | null = null;

  /** Notes a point that was not received before, and what it says about its vehicle. */
  notePoint(
    { timestamp, location, trip_ids: tripIds }: Telemetry,
    receivedAt: number,
    into: Observation,
  ): Order {
    this.noteReceipt(receivedAt);
    const { last, lastReceivedAt } = this;
    this.lastReceivedAt = receivedAt;
    const { lat, lng, speed } = location;
    const intervalMs = timestamp - last.timestamp;
    const isSamePlace = lat === last.lat && lng === last.lng;
    const lastSpeed = last.speed;
    copyFix(last, { lat, lng, timestamp, speed });
    // Infinite for the first point.
    if (intervalMs === Number.POSITIVE_INFINITY || intervalMs < 0) {
      copyFix(this.anchor, last);
      this.placedAt = timestamp;
      return intervalMs < 0 ? 'out-of-order' : 'first';
    }
    if (intervalMs === 0) return 'repeated';
    if (!isSamePlace) this.placedAt = timestamp;
    const isPaced = Math.abs(receivedAt - lastReceivedAt - intervalMs) < Math.max(PACE_MS, intervalMs / 2);
    into.count(isPaced ? countIndex.paced : countIndex.unpaced);
    // 0, 0 is no position: that is another mistake.
    if (intervalMs <= MAX_STUCK_INTERVAL_MS && !isZeroPosition(last)) {
      if (speed !== undefined && lastSpeed !== undefined) {
        if (Math.min(speed, lastSpeed) > MOVING_SPEED) noteStuck(into, isSamePlace);
      } else if (speed === undefined && (tripIds?.length ?? 0) > 0) {
        noteStuckOnTrip(into, timestamp - this.placedAt >= STUCK_ON_TRIP_MS);
      }
    }
    this.noteRatio(into);
    return 'in-order';
  }

  /** Notes a change of state; returns whether it is older than one that was noted. */
  noteState({ vehicle_state: state, timestamp }: VehicleEvent): Exclude<Order, 'repeated'> {
    if (timestamp < this.stateAt) return 'out-of-order';
    const isFirst = this.stateAt === Number.NEGATIVE_INFINITY;
    this.stateAt = timestamp;
    this.isOutOfService = OUT_OF_SERVICE.has(state);
    return isFirst ? 'first' : 'in-order';
  }

  /** Whether the vehicle should send points: it has sent one and is not out of service. */
  get isExpected(): boolean {
    return this.receivedAt !== null && !this.isOutOfService;
  }

  /** Whether it has sent no point for much longer than usual. */
  isSilent(now: number): boolean {
    if (this.receivedAt === null) return false;
    const usualMs = this.intervalMs ?? UNKNOWN_INTERVAL_MS;
    return now - this.receivedAt > Math.max(SILENT_AFTER_MS, SILENT_INTERVALS * usualMs);
  }

  /** The time of its last point or change of state, by receipt or its own time. */
  get heardAt(): number {
    return Math.max(this.receivedAt ?? Number.NEGATIVE_INFINITY, this.stateAt);
  }

  private noteReceipt(receivedAt: number): void {
    if (this.receivedAt !== null && receivedAt >= this.receivedAt) {
      const interval = Math.max(LEAST_INTERVAL_MS, receivedAt - this.receivedAt);
      this.intervalMs =
        this.intervalMs === null
          ? interval
          : this.intervalMs + INTERVAL_WEIGHT * (interval - this.intervalMs);
    }
    this.receivedAt = Math.max(this.receivedAt ?? receivedAt, receivedAt);
  }

  /** Notes the reported speed in relation to that from the anchor to the last point. */
  private noteRatio(into: Observation): void {
    const { anchor, last } = this;
    const isFar = distanceMeters(anchor, last) >= ANCHOR_METERS;
    if (!isFar && last.timestamp - anchor.timestamp < ANCHOR_MS) return;
    const ratio = speedRatio(anchor, last);
    copyFix(anchor, last);
    if (ratio === null) return;
    into.count(countIndex.ratios);
    into.ratio = ratioBucketOf(ratio);
    const unit = unitOfRatio(ratio);
    if (unit === 'metres') into.count(countIndex.ratiosInMetres);
    if (unit === 'miles') into.count(countIndex.ratiosInMiles);
    if (unit === 'kilometres') into.count(countIndex.ratiosInKilometres);
  }
}

function noteStuck(into: Observation, isStuck: boolean): void {
  into.count(countIndex.moving);
  if (isStuck) into.count(countIndex.stuck);
}

function noteStuckOnTrip(into: Observation, isStuck: boolean): void {
  into.count(countIndex.onTrip);
  if (isStuck) into.count(countIndex.stuckOnTrip);
}
