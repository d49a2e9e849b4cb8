import assert from 'node:assert';
import type { Location, Telemetry, VehicleEvent, VehicleState } from '@hailstream/events';
import type { Contact } from '@hailstream/events/live';
import type { Motion, MotionPages } from '../motion/motion.js';
import { isNewer, latest, type Fact } from './newest.js';
import { recentEvent, type RecentEvent, type RecentEvents } from './recent-events.js';
import type { SeriesReader, SeriesWriter } from './series.js';
import { TRAIL_KEPT_MS, TRAIL_MS, type Trail } from './trail.js';
import { VehiclePast } from './vehicle-past.js';

/** A vehicle without an event for this long, by event time against the service's clock, is stale. */
export const STALE_AFTER_MS = 60_000;

/** A vehicle without an event for this long is silent: it is counted, but not drawn. */
export const SILENT_AFTER_MS = 600_000;

/** The part of a telemetry point that is kept. */
interface Point extends Fact {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly tripIds: readonly string[];
}

/** The part of the newest event that every tick needs. */
type NewestEvent = Fact & Pick<RecentEvent, 'vehicleState' | 'lat' | 'lng'>;

/** The newest event of a vehicle that was read. Its id is in the past, which is decoded for it. */
class ReadEvent implements NewestEvent {
  readonly timestamp: number;
  readonly lead: number;
  readonly lat: number;
  readonly lng: number;
  readonly vehicleState: VehicleState;

  constructor(
    from: SeriesReader,
    private readonly past: VehiclePast,
  ) {
    this.timestamp = from.knownTime();
    this.lead = from.measure() ?? 0;
    const { lat, lng } = from.place();
    this.lat = lat;
    this.lng = lng;
    this.vehicleState = from.bytes.repeatedText() as VehicleState;
  }

  get id(): string {
    const { newest } = this.past.events;
    assert.ok(newest !== null, 'the newest event is a recent one');
    return newest.id;
  }
}

/** Where a vehicle was, and when. Heading and speed come from the newest telemetry, unless it is older than {@link STALE_AFTER_MS}. */
interface Position {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly timestamp: number;
}

/** The newest known level of a battery, in percent. Of equal times, the lower level counts. */
interface Battery {
  readonly timestamp: number;
  readonly percent: number;
}

/** The newest reported values of one vehicle, by event time. */
export class Vehicle {
  /** As of the last `CityState.advance`. */
  contact: Contact = 'silent';
  private telemetry: Point | null = null;
  /** The newest of the recent events, which are not decoded for it. */
  private newestEvent: NewestEvent | null = null;
  private battery: Battery | null = null;

  constructor(
    readonly deviceId: string,
    readonly providerId: string,
    private past = new VehiclePast(),
  ) {}

  /** Drops everything that is known. The vehicle is silent, and has no position. */
  erase(): void {
    this.contact = 'silent';
    this.telemetry = null;
    this.newestEvent = null;
    this.battery = null;
    this.past = new VehiclePast();
  }

  write(to: SeriesWriter): void {
    const { telemetry, newestEvent, battery } = this;
    to.bytes.text(this.deviceId);
    this.past.write(to.bytes);
    to.bytes.count(Number(telemetry !== null));
    if (telemetry !== null) {
      to.fact(telemetry);
      to.place(telemetry);
      to.measure(telemetry.heading);
      to.measure(telemetry.speed);
      to.texts(telemetry.tripIds);
    }
    to.bytes.count(Number(newestEvent !== null));
    if (newestEvent !== null) {
      to.time(newestEvent.timestamp);
      to.measure(newestEvent.lead);
      to.place(newestEvent);
      to.bytes.repeatedText(newestEvent.vehicleState);
    }
    to.time(battery?.timestamp ?? null);
    if (battery !== null) to.bytes.count(battery.percent);
  }

  /** The vehicle refers to the bytes of the reader until {@link decode}. */
  static read(from: SeriesReader, providerId: string, pages: MotionPages): Vehicle {
    const deviceId = from.bytes.text();
    const past = VehiclePast.read(from.bytes, pages);
    const vehicle = new Vehicle(deviceId, providerId, past);
    if (from.bytes.count() === 1) vehicle.telemetry = readPoint(from);
    if (from.bytes.count() === 1) vehicle.newestEvent = new ReadEvent(from, past);
    const batteryAt = from.time();
    if (batteryAt !== null) vehicle.battery = { timestamp: batteryAt, percent: from.bytes.count() };
    return vehicle;
  }

  /** Decodes what was read and not needed yet, and releases the bytes that it was read from. */
  decode(): void {
    this.past.decode();
  }

  get motion(): Motion {
    return this.past.motion;
  }

  get events(): RecentEvents {
    return this.past.events;
  }

  get trail(): Trail {
    return this.past.trail;
  }

  /** Returns whether the event changed the vehicle. */
  foldTelemetry(event: Telemetry, timestamp: number): boolean {
    const { location } = event;
    const hasBattery = this.foldBattery(event.battery_percent, timestamp);
    const grew = this.past.addPoint([location.lat, location.lng, location.speed ?? null, timestamp]);
    const point: Point = {
      id: event.telemetry_id,
      timestamp,
      lead: event.timestamp - timestamp,
      lat: location.lat,
      lng: location.lng,
      heading: location.heading ?? null,
      speed: location.speed ?? null,
      tripIds: event.trip_ids ?? [],
    };
    if (!isNewer(point, this.telemetry)) return grew || hasBattery;
    this.telemetry = point;
    return true;
  }

  /** Returns whether the event changed the vehicle. */
  foldEvent(event: VehicleEvent, timestamp: number): boolean {
    const hasBattery = this.foldBattery(event.battery_percent, timestamp);
    const fact = recentEvent(event, timestamp);
    // Before it is one of the recent events, which have the id of the newest event.
    const isNewest = isNewer(fact, this.newestEvent);
    if (!this.past.addEvent(fact)) return hasBattery;
    if (isNewest) this.newestEvent = fact;
    return true;
  }

  /**
   * Adds what another vehicle with the same id was folded from: the result is as if one had folded all events. Returns
   * whether it changed.
   */
  join(other: Vehicle): boolean {
    const { telemetry, battery } = other;
    let isChanged = battery !== null && this.foldBattery(battery.percent, battery.timestamp);
    if (this.past.join(other.past)) isChanged = true;
    if (telemetry !== null && isNewer(telemetry, this.telemetry)) {
      this.telemetry = telemetry;
      isChanged = true;
    }
    this.newestEvent = this.events.newest;
    return isChanged;
  }

  /** Its newest known battery level, in percent. */
  get batteryPercent(): number | null {
    return this.battery?.percent ?? null;
  }

  /** Event time of its newest event or telemetry point. */
  get heardAt(): number | null {
    return latest(this.telemetry?.timestamp ?? null, this.newestEvent?.timestamp ?? null);
  }

  get state(): VehicleState | null {
    return this.newestEvent?.vehicleState ?? null;
  }

  get position(): Position | null {
    const point = this.telemetry;
    const event = this.newestEvent;
    if (event === null || (point !== null && !isNewer(event, point))) return point;
    const isRecent = point !== null && event.timestamp - point.timestamp < STALE_AFTER_MS;
    return {
      lat: event.lat,
      lng: event.lng,
      heading: isRecent ? point.heading : null,
      speed: isRecent ? point.speed : null,
      timestamp: event.timestamp,
    };
  }

  /** Its position in the form that MDS defines. */
  get location(): Location | null {
    const position = this.position;
    if (position === null) return null;
    const { lat, lng, heading, speed } = position;
    return { lat, lng, ...(heading !== null && { heading }), ...(speed !== null && { speed }) };
  }

  /** The trips in its newest event, or in its newest telemetry if it has sent no events. */
  get tripIds(): readonly string[] {
    return (this.newestEvent === null ? this.telemetry : this.events.newest)?.tripIds ?? [];
  }

  /** Drops trail points that are too old as of `asOf`. */
  forget(asOf: number): void {
    // Every point of a trail is at most its length older than the newest telemetry.
    const isTrailRecent =
      this.telemetry !== null && asOf - this.telemetry.timestamp < TRAIL_KEPT_MS - 2 * TRAIL_MS;
    this.past.forget(asOf, isTrailRecent);
  }

  /** Returns whether the level is the newest one. */
  private foldBattery(percent: number | undefined, timestamp: number): boolean {
    if (percent === undefined) return false;
    const { battery } = this;
    const isNewest =
      battery === null ||
      timestamp > battery.timestamp ||
      (timestamp === battery.timestamp && percent < battery.percent);
    if (isNewest) this.battery = { timestamp, percent };
    return isNewest;
  }
}

function readPoint(from: SeriesReader): Point {
  const { id, timestamp, lead } = from.fact();
  const { lat, lng } = from.place();
  return {
    id,
    timestamp,
    lead,
    lat,
    lng,
    heading: from.measure(),
    speed: from.measure(),
    tripIds: from.texts(),
  };
}

/** The contact of a vehicle whose newest event is of `heardAt`. An event of the future counts as live: clocks differ. */
export function contactAt(heardAt: number | null, now: number): Contact {
  if (heardAt === null || now - heardAt >= SILENT_AFTER_MS) return 'silent';
  return now - heardAt >= STALE_AFTER_MS ? 'stale' : 'live';
}
