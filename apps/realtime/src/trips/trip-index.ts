import type { CancelledBy, TripStage, TripSummary } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import { TRIP_KEPT_MS } from '../fold/fleet-trips.js';
import { stagesUnderWay, TripFacts } from '../fold/trip.js';
import type { RecordPlace } from './record-place.js';
import type { Occurrence, OccurrenceOf } from './occurrence.js';

/**
 * Maximum number of trips that are kept. Beyond it, trips of the providers with most of them are dropped, those whose last events are
 * the oldest: a provider cannot displace the trips of another one that has fewer.
 */
export const MAX_TRIPS = 200_000;

/** The share of trips that is dropped at once. */
const DROPPED_SHARE = 0.1;

/** Maximum number of records of one trip. Further ones still count for its stage and times. */
const MAX_RECORDS_OF_TRIP = 1_000;

/** Which trips are listed. */
export interface TripQuery {
  /** Each word is a part of an id, or the beginning of a word of the stage. */
  readonly text: string;
  readonly filter: ProviderFilter;
  readonly deviceId: string | null;
  /** `null` selects all. */
  readonly stages: ReadonlySet<TripStage | 'unknown'> | null;
  /** Trips that were under way at some time from `from` to `to`, both included. */
  readonly from: number | null;
  readonly to: number | null;
}

interface Cancellation {
  readonly at: number;
  readonly by: CancelledBy;
}

interface ReportFacts {
  readonly receivedAt: number;
  readonly at: number;
  readonly startedAt: number;
  readonly deviceId: string;
}

/** One trip: what a list shows of it, and where its records are. */
export class IndexedTrip {
  readonly facts: TripFacts;
  readonly places: RecordPlace[] = [];
  private readonly devices: string[] = [];
  private beganAt = Number.POSITIVE_INFINITY;
  private pickedUpAt: number | null = null;
  private endedAt: number | null = null;
  private cancellation: Cancellation | null = null;
  private report: ReportFacts | null = null;

  constructor(
    readonly providerId: string,
    tripId: string,
  ) {
    this.facts = new TripFacts(tripId);
  }

  foldVehicleEvent({ input: { event }, at }: OccurrenceOf<'vehicle-events'>): void {
    this.facts.foldVehicleEvent(event, at);
    this.beganAt = Math.min(this.beganAt, at);
    if (!this.devices.includes(event.device_id)) this.devices.push(event.device_id);
    for (const eventType of event.event_types) {
      if (eventType === 'trip_start') this.pickedUpAt = Math.min(this.pickedUpAt ?? at, at);
      if (eventType === 'trip_end') this.endedAt = Math.max(this.endedAt ?? at, at);
      const by = cancelledBy(eventType);
      if (by !== null) this.cancel({ at, by });
    }
  }

  foldRiderEvent({ input: { event }, at }: OccurrenceOf<'rider-events'>): void {
    this.facts.foldRiderEvent(event, at);
    this.beganAt = Math.min(this.beganAt, at);
    if (event.event_type === 'ride_cancel') this.cancel({ at, by: 'rider' });
  }

  foldReport({ input: { event }, at, receivedAt }: OccurrenceOf<'trips'>): void {
    this.facts.foldReport(at);
    this.beganAt = Math.min(this.beganAt, event.start_time, at);
    const report = { receivedAt, at, startedAt: event.start_time, deviceId: event.device_id };
    if (this.report === null || isLater(report, this.report)) this.report = report;
  }

  get deviceId(): string | null {
    return this.facts.deviceId ?? this.report?.deviceId ?? null;
  }

  /** The vehicles of its events. */
  get deviceIds(): readonly string[] {
    return this.devices;
  }

  /** Whether the vehicle was reserved for it or on it, at any time. */
  hasDevice(deviceId: string): boolean {
    return this.devices.includes(deviceId) || this.deviceId === deviceId;
  }

  /** When it was last under way: for one that is, as long as the live city counts it. */
  get lastAt(): number {
    const { stage, heardAt } = this.facts;
    return stage === 'requested' || stagesUnderWay.has(stage) ? heardAt + TRIP_KEPT_MS : heardAt;
  }

  get summary(): TripSummary {
    const { tripId, stage, requestedAt, cancelledAt } = this.facts;
    const isCancelled = stage === 'cancelled';
    const endedAt = stage === 'ended' ? (this.endedAt ?? this.report?.at ?? null) : null;
    return {
      trip_id: tripId,
      provider_id: this.providerId,
      device_id: this.deviceId,
      stage,
      began_at: this.beganAt,
      requested_at: requestedAt,
      started_at: this.pickedUpAt ?? this.report?.startedAt ?? null,
      ended_at: isCancelled ? cancelledAt : endedAt,
      cancelled_by: isCancelled ? (this.cancellation?.by ?? null) : null,
      is_reported: this.report !== null,
    };
  }

  matches({ filter, deviceId, stages, from, to }: TripQuery, terms: readonly string[]): boolean {
    if (filter !== null && this.providerId !== filter) return false;
    if (deviceId !== null && !this.hasDevice(deviceId)) return false;
    if (stages !== null && !stages.has(this.facts.stage ?? 'unknown')) return false;
    if (to !== null && this.beganAt > to) return false;
    if (from !== null && this.lastAt < from) return false;
    return terms.every((term) => this.hasTerm(term));
  }

  get began(): number {
    return this.beganAt;
  }

  private hasTerm(term: string): boolean {
    const { tripId, stage } = this.facts;
    return (
      tripId.includes(term) ||
      this.providerId.includes(term) ||
      this.devices.some((id) => id.includes(term)) ||
      (this.report?.deviceId.includes(term) ?? false) ||
      (stage ?? 'unknown').split('_').some((word) => word.startsWith(term))
    );
  }

  private cancel(cancellation: Cancellation): void {
    const known = this.cancellation;
    if (known === null || cancellation.at > known.at) this.cancellation = cancellation;
    else if (cancellation.at === known.at && cancellation.by < known.by) this.cancellation = cancellation;
  }
}

/**
 * The trips of a part of the log: about 2.1 KB each, with eight records. The same records have the same result in any order, however often each is
 * repeated, as long as no trip is dropped.
 */
export class TripIndex {
  private readonly byProvider = new Map<string, Map<string, IndexedTrip>>();
  private count = 0;
  /** Providers of which trips were dropped. */
  private readonly cut = new Set<string>();

  constructor(private readonly maxTrips = MAX_TRIPS) {}

  /** Notes an event and where its record is. Events that concern no trip are skipped. */
  fold({ input, at, receivedAt }: Occurrence, place: RecordPlace): void {
    switch (input.kind) {
      case 'telemetry':
        return;
      case 'vehicle-events':
        for (const tripId of new Set(input.event.trip_ids)) {
          const trip = this.tripFor(input.event.provider_id, tripId, place);
          trip.foldVehicleEvent({ input, at, receivedAt });
        }
        break;
      case 'rider-events':
        this.tripFor(input.event.provider_id, input.event.trip_id, place).foldRiderEvent({
          input,
          at,
          receivedAt,
        });
        break;
      case 'trips':
        this.tripFor(input.event.provider_id, input.event.trip_id, place).foldReport({
          input,
          at,
          receivedAt,
        });
    }
    if (this.count > this.maxTrips) this.drop();
  }

  get size(): number {
    return this.count;
  }

  /** Whether trips of a provider, or of any, were dropped because there were too many. */
  isCut(filter: ProviderFilter): boolean {
    return filter === null ? this.cut.size > 0 : this.cut.has(filter);
  }

  /** The trips of a provider, or of all, with this id. */
  withId(tripId: string, filter: ProviderFilter): IndexedTrip[] {
    return this.tripsOf(filter).flatMap((trips) => trips.get(tripId) ?? []);
  }

  /** The trips that match, the latest first. */
  list(query: TripQuery): IndexedTrip[] {
    const terms = query.text
      .toLowerCase()
      .split(/[\s_]+/)
      .filter((term) => term !== '');
    return this.tripsOf(query.filter)
      .flatMap((trips) => [...trips.values()].filter((trip) => trip.matches(query, terms)))
      .sort(byBegin);
  }

  private tripsOf(filter: ProviderFilter): ReadonlyMap<string, IndexedTrip>[] {
    if (filter === null) return [...this.byProvider.values()];
    const trips = this.byProvider.get(filter);
    return trips === undefined ? [] : [trips];
  }

  private tripFor(providerId: string, tripId: string, place: RecordPlace): IndexedTrip {
    const trips = this.byProvider.get(providerId) ?? new Map<string, IndexedTrip>();
    this.byProvider.set(providerId, trips);
    let trip = trips.get(tripId);
    if (trip === undefined) {
      trip = new IndexedTrip(providerId, tripId);
      trips.set(tripId, trip);
      this.count += 1;
    }
    if (trip.places.length < MAX_RECORDS_OF_TRIP) trip.places.push(place);
    return trip;
  }

  private drop(): void {
    const kept = this.maxTrips - Math.floor(this.maxTrips * DROPPED_SHARE);
    const sizes = Array.from(this.byProvider.values(), ({ size }) => size);
    const most = equalPart(sizes, kept);
    for (const [providerId, trips] of this.byProvider) {
      if (trips.size <= most) continue;
      const oldest = [...trips].sort(([, a], [, b]) => a.facts.heardAt - b.facts.heardAt);
      for (const [tripId] of oldest.slice(0, trips.size - most)) trips.delete(tripId);
      if (trips.size === 0) this.byProvider.delete(providerId);
      this.cut.add(providerId);
    }
    this.count = Array.from(this.byProvider.values(), ({ size }) => size).reduce(
      (sum, size) => sum + size,
      0,
    );
  }
}

/** The party of a cancellation; `null` for other event types. */
function cancelledBy(eventType: string): CancelledBy | null {
  switch (eventType) {
    case 'ride_cancel':
    case 'passenger_cancellation':
      return 'rider';
    case 'driver_cancellation':
      return 'driver';
    case 'provider_cancellation':
      return 'provider';
    default:
      return null;
  }
}

/** The largest number that each may have so that all together have at most `total`: those that have fewer leave the rest to others. */
function equalPart(sizes: readonly number[], total: number): number {
  let left = total;
  let others = sizes.length;
  for (const size of sizes.toSorted((a, b) => a - b)) {
    if (size * others > left) break;
    left -= size;
    others -= 1;
  }
  return others === 0 ? total : Math.floor(left / others);
}

function byBegin(one: IndexedTrip, other: IndexedTrip): number {
  return other.began - one.began || (one.facts.tripId < other.facts.tripId ? -1 : 1);
}

/** The report that was received last; of those received together, the one that ended last. */
function isLater(one: ReportFacts, other: ReportFacts): boolean {
  if (one.receivedAt !== other.receivedAt) return one.receivedAt > other.receivedAt;
  if (one.at !== other.at) return one.at > other.at;
  if (one.startedAt !== other.startedAt) return one.startedAt > other.startedAt;
  return one.deviceId > other.deviceId;
}
