import type { Location, Telemetry, VehicleEvent, VehicleState } from '@hailstream/events';
import type { Contact } from '@hailstream/events/live';
import { isNewer, latest, type Fact } from './newest.js';
import { RecentEvents } from './recent-events.js';
import { Trail } from './trail.js';

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

/** The newest reported values of one vehicle, by event time. */
export class Vehicle {
  readonly events = new RecentEvents();
  readonly trail = new Trail();
  /** As of the last `CityState.advance`. */
  contact: Contact = 'silent';
  private telemetry: Point | null = null;

  constructor(
    readonly deviceId: string,
    readonly providerId: string,
  ) {}

  /** Returns whether the event changed the vehicle. */
  foldTelemetry(event: Telemetry, timestamp: number): boolean {
    const { location } = event;
    const grew = this.trail.add([location.lat, location.lng, location.speed ?? null, timestamp]);
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
    if (!isNewer(point, this.telemetry)) return grew;
    this.telemetry = point;
    return true;
  }

  /** Returns whether the event changed the vehicle. */
  foldEvent(event: VehicleEvent, timestamp: number): boolean {
    return this.events.add(event, timestamp);
  }

  /** Event time of its newest event or telemetry point. */
  get heardAt(): number | null {
    return latest(this.telemetry?.timestamp ?? null, this.events.newest?.timestamp ?? null);
  }

  get state(): VehicleState | null {
    return this.events.newest?.vehicleState ?? null;
  }

  get position(): Position | null {
    const point = this.telemetry;
    const event = this.events.newest;
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
    return (this.events.newest ?? this.telemetry)?.tripIds ?? [];
  }
}

/** The contact of a vehicle whose newest event is of `heardAt`. An event of the future counts as live: clocks differ. */
export function contactAt(heardAt: number | null, now: number): Contact {
  if (heardAt === null || now - heardAt >= SILENT_AFTER_MS) return 'silent';
  return now - heardAt >= STALE_AFTER_MS ? 'stale' : 'live';
}
