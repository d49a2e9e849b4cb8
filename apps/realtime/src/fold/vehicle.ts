import type { Location, Telemetry, VehicleEvent, VehicleState } from '@hailstream/events';
import type { Contact, TrailPoint } from '@hailstream/events/live';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { Motion } from '../motion/motion.js';
import { isNewer, latest, type Fact } from './newest.js';
import { readEvent, recentEvent, RecentEvents, writeEvent, type RecentEvent } from './recent-events.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { Trail, TRAIL_KEPT_MS, TRAIL_MS } from './trail.js';

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

/** What only the card of a vehicle shows. */
interface Past {
  readonly events: RecentEvents;
  readonly trail: Trail;
}

/** A past that was read and is not decoded: where it is in the bytes of the city, and what is to be added to it. */
interface StoredPast {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** `null` until something is added. */
  added: { readonly points: TrailPoint[]; readonly events: RecentEvent[] } | null;
}

/** Maximum number of points and events that are added to a past before it is decoded. */
const MAX_ADDED = 16;

/** The newest reported values of one vehicle, by event time. */
export class Vehicle {
  /** As of the last `CityState.advance`. */
  contact: Contact = 'silent';
  private telemetry: Point | null = null;
  private newestEvent: RecentEvent | null = null;
  private battery: Battery | null = null;
  /** As bytes from when the vehicle was read until it is needed: most of the time that reading a city would take. */
  private past: Past | StoredPast = { events: new RecentEvents(), trail: new Trail() };

  constructor(
    readonly deviceId: string,
    readonly providerId: string,
    readonly motion = new Motion(),
  ) {}

  /** Drops everything that is known. The vehicle is silent, and has no position. */
  erase(): void {
    this.contact = 'silent';
    this.telemetry = null;
    this.newestEvent = null;
    this.battery = null;
    this.past = { events: new RecentEvents(), trail: new Trail() };
  }

  write(to: SeriesWriter): void {
    const { telemetry, newestEvent, battery, past } = this;
    to.bytes.text(this.deviceId);
    to.bytes.count(Number(telemetry !== null));
    if (telemetry !== null) {
      to.fact(telemetry);
      to.place(telemetry);
      to.measure(telemetry.heading);
      to.measure(telemetry.speed);
      to.texts(telemetry.tripIds);
    }
    to.bytes.count(Number(newestEvent !== null));
    if (newestEvent !== null) writeEvent(to, newestEvent);
    to.time(battery?.timestamp ?? null);
    if (battery !== null) to.bytes.count(battery.percent);
    this.motion.write(to.bytes);
    to.bytes.section(isUnchanged(past) ? storedBytes(past) : pastBytes(this.readPast()));
  }

  static read(from: SeriesReader, providerId: string, motion: Motion): Vehicle {
    const vehicle = new Vehicle(from.bytes.text(), providerId, motion);
    if (from.bytes.count() === 1) vehicle.telemetry = readPoint(from);
    if (from.bytes.count() === 1) vehicle.newestEvent = readEvent(from);
    const batteryAt = from.time();
    if (batteryAt !== null) vehicle.battery = { timestamp: batteryAt, percent: from.bytes.count() };
    motion.read(from.bytes);
    const { bytes, start, end } = from.bytes.skipSection();
    vehicle.past = { bytes, start, end, added: null };
    return vehicle;
  }

  get events(): RecentEvents {
    return this.readPast().events;
  }

  get trail(): Trail {
    return this.readPast().trail;
  }

  /** Returns whether the event changed the vehicle. */
  foldTelemetry(event: Telemetry, timestamp: number): boolean {
    const { location } = event;
    this.motion.note(timestamp, location, location.speed ?? null);
    const hasBattery = this.foldBattery(event.battery_percent, timestamp);
    const grew = this.addPoint([location.lat, location.lng, location.speed ?? null, timestamp]);
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
    this.motion.note(timestamp, event.location, null);
    const hasBattery = this.foldBattery(event.battery_percent, timestamp);
    const fact = recentEvent(event, timestamp);
    const added = this.addedToStored();
    if (added !== null) {
      added.events.push(fact);
      if (isNewer(fact, this.newestEvent)) this.newestEvent = fact;
      return true;
    }
    if (!this.events.add(fact)) return hasBattery;
    this.newestEvent = this.events.newest;
    return true;
  }

  /**
   * Adds what another vehicle with the same id was folded from: the result is as if one had folded all events. Returns
   * whether it changed.
   */
  join(other: Vehicle): boolean {
    this.motion.join(other.motion);
    const { telemetry, battery } = other;
    let isChanged = battery !== null && this.foldBattery(battery.percent, battery.timestamp);
    if (telemetry !== null && isNewer(telemetry, this.telemetry)) {
      this.telemetry = telemetry;
      isChanged = true;
    }
    for (const point of other.trail.points()) if (this.trail.add(point)) isChanged = true;
    for (const event of other.events.list()) if (this.events.add(event)) isChanged = true;
    this.newestEvent = this.events.newest;
    return isChanged;
  }

  /** Its newest known battery level, in percent. */
  get batteryPercent(): number | null {
    return this.battery?.percent ?? null;
  }

  /** Returns whether the trail changed, or may have changed. */
  private addPoint(point: TrailPoint): boolean {
    const added = this.addedToStored();
    if (added === null) return this.trail.add(point);
    added.points.push(point);
    return true;
  }

  /** What is to be added to the past, as long as that is not decoded and there is room for more. */
  private addedToStored(): StoredPast['added'] {
    const { past } = this;
    if (!('bytes' in past)) return null;
    past.added ??= { points: [], events: [] };
    return past.added.points.length + past.added.events.length < MAX_ADDED ? past.added : null;
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
    return (this.newestEvent ?? this.telemetry)?.tripIds ?? [];
  }

  /** Drops trail points that are too old as of `asOf`. */
  forget(asOf: number): void {
    // Every point of a trail is at most its length older than the newest telemetry.
    const isTrailRecent =
      this.telemetry !== null && asOf - this.telemetry.timestamp < TRAIL_KEPT_MS - 2 * TRAIL_MS;
    if (!('bytes' in this.past && isTrailRecent)) this.trail.forget(asOf);
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

  private readPast(): Past {
    const { past } = this;
    if (!('bytes' in past)) return past;
    const from = new SeriesReader(new ByteReader(storedBytes(past)));
    const read = { events: RecentEvents.read(from), trail: Trail.read(from) };
    for (const event of past.added?.events ?? []) read.events.add(event);
    for (const point of past.added?.points ?? []) read.trail.add(point);
    return (this.past = read);
  }
}

function isUnchanged(past: Past | StoredPast): past is StoredPast {
  return 'bytes' in past && past.added === null;
}

function storedBytes({ bytes, start, end }: StoredPast): Buffer {
  return bytes.subarray(start, end);
}

function pastBytes({ events, trail }: Past): Buffer {
  const to = new SeriesWriter(new ByteWriter());
  events.write(to);
  trail.write(to);
  return to.bytes.finish();
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
