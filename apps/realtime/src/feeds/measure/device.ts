import type { Telemetry, VehicleEvent, VehicleState } from '@hailstream/events';
import { distanceMeters, isZeroPosition, speedRatio, type Fix } from '@hailstream/events/plausibility';

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

/** What a point says about its vehicle. */
export interface PointResult {
  readonly order: 'first' | 'in-order' | 'repeated' | 'out-of-order';
  readonly speedRatio: number | null;
  /** Whether the point was received as long after the one before as it happened after it; `null` if that is not known. */
  readonly paced: boolean | null;
  /** `null` if it is not known whether the vehicle moves. */
  readonly stuck: boolean | null;
  readonly stuckOnTrip: boolean | null;
}

/** What is known of a point that is not after the one before, and of a change of state. */
export const ONLY_ORDER = { speedRatio: null, paced: null, stuck: null, stuckOnTrip: null } as const;

/** A point is paced if the two intervals differ by less than half of the interval between events, or by this. */
const PACE_MS = 500;

/** The last point and state of a vehicle of a feed. Points and states are independent: they come in different topics. */
export class Device {
  /** The point that was received last. */
  private last: Fix | null = null;
  /** The point from which the vehicle's own speed is measured. */
  private anchor: Fix | null = null;
  /** Time of the first point at the current position. */
  private placedAt = 0;
  private stateAt = Number.NEGATIVE_INFINITY;
  private isOutOfService = false;
  /** Of the last point in the order of the log, and the latest. */
  private lastReceivedAt = 0;
  receivedAt: number | null = null;
  private intervalMs: number | null = null;

  /** Notes a point that was not received before. */
  notePoint(
    { timestamp, location: { lat, lng, speed }, trip_ids: tripIds }: Telemetry,
    receivedAt: number,
  ): PointResult {
    this.noteReceipt(receivedAt);
    const { last, lastReceivedAt } = this;
    this.lastReceivedAt = receivedAt;
    const fix: Fix = { lat, lng, timestamp, speed };
    this.last = fix;
    if (last === null || timestamp < last.timestamp) {
      this.anchor = fix;
      this.placedAt = timestamp;
      return { ...ONLY_ORDER, order: last === null ? 'first' : 'out-of-order' };
    }
    if (timestamp === last.timestamp) return { ...ONLY_ORDER, order: 'repeated' };
    const isSamePlace = lat === last.lat && lng === last.lng;
    if (!isSamePlace) this.placedAt = timestamp;
    // 0, 0 is no position: that is another mistake.
    const isClose = timestamp - last.timestamp <= MAX_STUCK_INTERVAL_MS && !isZeroPosition(fix);
    const moves =
      isClose &&
      speed !== undefined &&
      last.speed !== undefined &&
      Math.min(speed, last.speed) > MOVING_SPEED;
    const isOnTrip = isClose && speed === undefined && (tripIds?.length ?? 0) > 0;
    const intervalMs = timestamp - last.timestamp;
    const isPaced = Math.abs(receivedAt - lastReceivedAt - intervalMs) < Math.max(PACE_MS, intervalMs / 2);
    return {
      order: 'in-order',
      speedRatio: this.ratioTo(fix),
      paced: isPaced,
      stuck: moves ? isSamePlace : null,
      stuckOnTrip: isOnTrip ? timestamp - this.placedAt >= STUCK_ON_TRIP_MS : null,
    };
  }

  /** Notes a change of state; returns whether it is older than one that was noted. */
  noteState({ vehicle_state: state, timestamp }: VehicleEvent): 'first' | 'in-order' | 'out-of-order' {
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

  private ratioTo(fix: Fix): number | null {
    const { anchor } = this;
    if (anchor === null) return null;
    const isFar = distanceMeters(anchor, fix) >= ANCHOR_METERS;
    if (!isFar && fix.timestamp - anchor.timestamp < ANCHOR_MS) return null;
    this.anchor = fix;
    return speedRatio(anchor, fix);
  }
}
