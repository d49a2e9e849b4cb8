import type { Location, Telemetry, VehicleEvent, VehicleState } from '@hailstream/events';
import type { Contact, VehicleRow } from '@hailstream/events/live';
import { contactAt, STALE_AFTER_MS } from './contact.js';
import { isNewer, latest, type Fact } from './newest.js';
import { RecentEvents } from './recent-events.js';
import { Trail } from './trail.js';

/** What is kept of the newest telemetry point. */
interface Point extends Fact {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly tripIds: readonly string[];
}

/** A place and when the vehicle was there. Heading and speed are of the newest telemetry, if it is of about then. */
export interface Position {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly timestamp: number;
}

/** Whose a vehicle is; shared by all vehicles of a fleet. */
export interface Provider {
  readonly id: string;
  /** Short for the id on the wire; another one after the city was cleared. */
  readonly number: number;
}

/** One vehicle: the newest of what it said, by event time. */
export class Vehicle {
  readonly events = new RecentEvents();
  readonly trail = new Trail();
  /** As the last survey found it. */
  contact: Contact = 'silent';
  private telemetry: Point | null = null;

  constructor(
    readonly deviceId: string,
    private readonly provider: Provider,
  ) {}

  get providerId(): string {
    return this.provider.id;
  }

  /** Says whether it changed anything. */
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

  /** Says whether it changed anything. */
  foldEvent(event: VehicleEvent, timestamp: number): boolean {
    return this.events.add(event, timestamp);
  }

  /** Event time of the newest thing it said. */
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
    const isOfThen = point !== null && event.timestamp - point.timestamp < STALE_AFTER_MS;
    return {
      lat: event.lat,
      lng: event.lng,
      heading: isOfThen ? point.heading : null,
      speed: isOfThen ? point.speed : null,
      timestamp: event.timestamp,
    };
  }

  /** Its position as MDS writes one. */
  get location(): Location | null {
    const position = this.position;
    if (position === null) return null;
    const { lat, lng, heading, speed } = position;
    return { lat, lng, ...(heading !== null && { heading }), ...(speed !== null && { speed }) };
  }

  /** The trips that its newest event names; those of its telemetry where it has sent no events. */
  get tripIds(): readonly string[] {
    return (this.events.newest ?? this.telemetry)?.tripIds ?? [];
  }

  /** As drawn; `null` where it is not: no position, or silent. */
  row(now: number): VehicleRow | null {
    const contact = contactAt(this.heardAt, now);
    const position = contact === 'silent' ? null : this.position;
    if (position === null) return null;
    const { lat, lng, heading, speed } = position;
    return [
      this.deviceId,
      round(lat, 1e6),
      round(lng, 1e6),
      round(heading, 10),
      round(speed, 10),
      this.state,
      contact,
      this.provider.number,
    ];
  }
}

/** Rounds for the wire: a millionth of a degree is a tenth of a metre. */
function round<N extends number | null>(value: N, parts: number): N {
  return (value === null ? null : Math.round(value * parts) / parts) as N;
}
