import type { VehicleEvent, VehicleEventType, VehicleState } from '@hailstream/events';
import { isNewer, type Fact } from './newest.js';
import type { SeriesReader, SeriesWriter } from './series.js';

/** Maximum number of events kept per vehicle. */
export const MAX_RECENT_EVENTS = 20;

/** The part of a vehicle event that is kept. */
export interface RecentEvent extends Fact {
  readonly vehicleState: VehicleState;
  readonly eventTypes: readonly VehicleEventType[];
  readonly tripIds: readonly string[];
  readonly lat: number;
  readonly lng: number;
}

/** The newest events of one vehicle, independent of the order of arrival. */
export class RecentEvents {
  /** Newest first. */
  private kept: RecentEvent[] = [];

  /** Adds an event unless it is already kept, or older than all of a full list. Returns whether the list changed. */
  add(fact: RecentEvent): boolean {
    const at = this.kept.findIndex((other) => other.id === fact.id || isNewer(fact, other));
    if (at === -1) {
      if (this.kept.length >= MAX_RECENT_EVENTS) return false;
      this.kept.push(fact);
      return true;
    }
    if (this.kept[at]?.id !== fact.id) {
      this.dropEarlier(fact, at);
      this.kept.splice(at, 0, fact);
      this.kept.length = Math.min(this.kept.length, MAX_RECENT_EVENTS);
      return true;
    }
    if (!isNewer(fact, this.kept[at])) return false;
    this.kept[at] = fact;
    return true;
  }

  /** Removes an earlier copy: an event from a clock that is ahead gets a new time whenever it is received again. */
  private dropEarlier(fact: RecentEvent, from: number): void {
    for (let at = from; at < this.kept.length; at += 1) {
      const other = this.kept[at];
      if (other === undefined || (other.lead === 0 && fact.lead === 0) || other.id !== fact.id) continue;
      this.kept.splice(at, 1);
      return;
    }
  }

  get newest(): RecentEvent | null {
    return this.kept[0] ?? null;
  }

  /** Since when the vehicle has been in its newest state, as far back as events are kept. */
  get stateSince(): number | null {
    const newest = this.newest;
    if (newest === null) return null;
    const change = this.kept.findIndex((event) => event.vehicleState !== newest.vehicleState);
    return this.kept.at(change === -1 ? -1 : change - 1)?.timestamp ?? null;
  }

  write(to: SeriesWriter): void {
    to.bytes.count(this.kept.length);
    for (const event of this.kept) writeEvent(to, event);
  }

  static read(from: SeriesReader): RecentEvents {
    const events = new RecentEvents();
    events.kept = Array.from({ length: from.bytes.count() }, () => readEvent(from));
    return events;
  }

  /** Newest first. */
  list(): readonly RecentEvent[] {
    return this.kept;
  }
}

export function recentEvent(event: VehicleEvent, timestamp: number): RecentEvent {
  return {
    id: event.event_id,
    timestamp,
    lead: event.timestamp - timestamp,
    vehicleState: event.vehicle_state,
    eventTypes: event.event_types,
    tripIds: event.trip_ids ?? [],
    lat: event.location.lat,
    lng: event.location.lng,
  };
}

function writeEvent(to: SeriesWriter, event: RecentEvent): void {
  to.fact(event);
  to.place(event);
  to.bytes.repeatedText(event.vehicleState);
  to.texts(event.eventTypes);
  to.texts(event.tripIds);
}

function readEvent(from: SeriesReader): RecentEvent {
  const { id, timestamp, lead } = from.fact();
  const { lat, lng } = from.place();
  return {
    id,
    timestamp,
    lead,
    lat,
    lng,
    vehicleState: from.bytes.repeatedText() as VehicleState,
    eventTypes: from.texts<VehicleEventType>(),
    tripIds: from.texts(),
  };
}
