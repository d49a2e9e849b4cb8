import type {
  EventOf,
  FamilyName,
  Location,
  RiderEvent,
  Trip,
  VehicleEvent,
  VehicleEventType,
} from '@hailstream/events';
import { distanceMeters } from '@hailstream/roads';
import { v5 as uuidV5 } from 'uuid';
import type { ImportedTrip } from './imported-trip.js';

/** Namespace of the UUIDv5 ids of imported events. Changing it changes all of them. */
const IMPORT_NAMESPACE = 'b0a7f6a4-6f0e-4f0c-9a53-5d1c1f6a2b14';

/**
 * How MDS leads from `available` to `on_trip` and back. The files do not contain the reservation and the stops, so all steps
 * are in one event.
 */
const TRIP_STARTS = ['reservation_start', 'reservation_stop', 'trip_start'] as const;
const TRIP_ENDS = ['trip_stop', 'trip_end'] as const;

/** An event and its family. */
type ImportedEvent = {
  [Name in FamilyName]: { readonly family: Name; readonly event: EventOf<Name> };
}[FamilyName];

/**
 * Converts trips to events in order of time: for each, a request of a rider if it is known, the vehicle's start and end, and
 * the operator's report. Ids are UUIDv5 of provider, layout, trip and the days by which times are moved, so that the same
 * trip always has the same events.
 */
export class TripEvents {
  private readonly steps: { readonly atMs: number; readonly trip: PlannedTrip; readonly isEnd: boolean }[] =
    [];
  /** Time of the last vehicle event of each device. */
  private readonly lastEventMs = new Map<string, number>();
  private deviceCount = 0;
  private overlapCount = 0;

  /** `trips` must be in order of their starts. */
  constructor(
    trips: readonly ImportedTrip[],
    private readonly context: {
      readonly providerId: string;
      readonly layout: string;
      readonly shiftMs: number;
    },
  ) {
    for (const planned of this.plan(trips)) {
      const { startMs, endMs } = planned.trip;
      this.steps.push({ atMs: startMs, trip: planned, isEnd: false });
      if (endMs !== undefined) this.steps.push({ atMs: endMs, trip: planned, isEnd: true });
    }
    // At the same time, an earlier trip ends before a later one starts, but a trip without duration starts before it ends.
    this.steps.sort(
      (a, b) => a.atMs - b.atMs || a.trip.number - b.trip.number || Number(a.isEnd) - Number(b.isEnd),
    );
  }

  /** Number of vehicles. */
  get devices(): number {
    return this.deviceCount;
  }

  /** Number of trips that started while their vehicle had another trip. Each of them has a device of its own. */
  get overlapping(): number {
    return this.overlapCount;
  }

  /** Number of events. */
  get count(): number {
    return this.steps.reduce((sum, { trip, isEnd }) => sum + (isEnd || trip.trip.isStreetHail ? 2 : 1), 0);
  }

  *events(): Generator<ImportedEvent> {
    for (const { trip, isEnd } of this.steps) {
      if (!isEnd) {
        if (trip.trip.isStreetHail) yield { family: 'rider-events', event: this.request(trip) };
        yield { family: 'vehicle-events', event: this.start(trip) };
      } else {
        yield { family: 'vehicle-events', event: this.end(trip) };
        yield { family: 'trips', event: this.report(trip) };
      }
    }
  }

  /** Assigns a device to each trip: that of its vehicle, or one of its own if the vehicle is unknown or occupied. */
  private plan(trips: readonly ImportedTrip[]): PlannedTrip[] {
    const freeFromMs = new Map<string, number>();
    const devices = new Set<string>();
    const planned = trips.map((trip, number): PlannedTrip => {
      const id = this.idOf(`trip:${trip.identity}`);
      let name = trip.vehicle === undefined ? undefined : `vehicle:${trip.vehicle}`;
      if (name !== undefined && trip.startMs < (freeFromMs.get(name) ?? -Infinity)) {
        this.overlapCount += 1;
        name = undefined;
      }
      const isFirst = name === undefined || !freeFromMs.has(name);
      if (name !== undefined) freeFromMs.set(name, trip.endMs ?? Infinity);
      const device = this.idOf(name ?? `vehicle of trip:${trip.identity}`);
      devices.add(device);
      return { number, trip, id, device, isFirst, isOnlyTrip: name === undefined };
    });
    this.deviceCount = devices.size;
    return planned;
  }

  private request({ id, trip }: PlannedTrip): RiderEvent {
    return {
      event_id: this.idOf(`request:${trip.identity}`),
      provider_id: this.context.providerId,
      rider_id: this.idOf(`rider:${trip.identity}`),
      trip_id: id,
      event_type: 'ride_request',
      timestamp: this.moved(trip.startMs),
      location: trip.start,
      destination: trip.end,
    };
  }

  private start(planned: PlannedTrip): VehicleEvent {
    const eventTypes = planned.isFirst ? (['service_start', ...TRIP_STARTS] as const) : TRIP_STARTS;
    const { startMs, start } = planned.trip;
    return this.vehicleEvent(planned, {
      name: 'start',
      state: 'on_trip',
      eventTypes,
      atMs: startMs,
      location: start,
    });
  }

  private end(planned: PlannedTrip): VehicleEvent {
    // What an unknown vehicle does after its trip is unknown too: it must not stay available.
    const { isOnlyTrip, trip } = planned;
    return this.vehicleEvent(planned, {
      name: 'end',
      state: isOnlyTrip ? 'non_operational' : 'available',
      eventTypes: isOnlyTrip ? [...TRIP_ENDS, 'service_end'] : TRIP_ENDS,
      atMs: trip.endMs!,
      location: trip.end,
    });
  }

  private vehicleEvent(
    { id, device, trip }: PlannedTrip,
    change: {
      name: string;
      state: VehicleEvent['vehicle_state'];
      eventTypes: readonly VehicleEventType[];
      atMs: number;
      location: Location;
    },
  ): VehicleEvent {
    // Timestamps are unique per device, so that they determine the order of its events.
    const timestamp = Math.max(this.moved(change.atMs), (this.lastEventMs.get(device) ?? -Infinity) + 1);
    this.lastEventMs.set(device, timestamp);
    return {
      device_id: device,
      provider_id: this.context.providerId,
      event_id: this.idOf(`${change.name}:${trip.identity}`),
      vehicle_state: change.state,
      event_types: [...change.eventTypes],
      timestamp,
      location: change.location,
      trip_ids: [id],
    };
  }

  private report({ id, device, trip }: PlannedTrip): Trip {
    const [startMs, endMs] = [this.moved(trip.startMs), this.moved(trip.endMs!)];
    return {
      provider_id: this.context.providerId,
      device_id: device,
      trip_id: id,
      trip_type: 'private',
      start_time: startMs,
      end_time: endMs,
      start_location: trip.start,
      end_location: trip.end,
      duration: Math.round((endMs - startMs) / 1_000),
      distance: trip.meters ?? Math.round(distanceMeters(trip.start, trip.end)),
      ...trip.payment,
      ...this.attributes(trip, startMs),
    };
  }

  /** MDS requires all of them, or none. */
  private attributes(trip: ImportedTrip, startMs: number): Pick<Trip, 'trip_attributes'> {
    if (!trip.isStreetHail || trip.passengers === undefined) return {};
    return {
      trip_attributes: {
        hail_type: 'street_hail',
        passenger_count: trip.passengers,
        requested_time: startMs,
        quoted_trip_start_time: startMs,
        ...(trip.driver !== undefined && { driver_id: trip.driver }),
      },
    };
  }

  private moved(timeMs: number): number {
    return timeMs + this.context.shiftMs;
  }

  private idOf(name: string): string {
    const { providerId, layout, shiftMs } = this.context;
    return uuidV5(`${providerId}|${layout}|${shiftMs}|${name}`, IMPORT_NAMESPACE);
  }
}

interface PlannedTrip {
  /** Number in the order of starts. */
  readonly number: number;
  readonly trip: ImportedTrip;
  readonly id: string;
  readonly device: string;
  /** Whether it is the first trip of its device. */
  readonly isFirst: boolean;
  /** Whether the device has no other trip, because the vehicle is unknown or occupied. */
  readonly isOnlyTrip: boolean;
}
