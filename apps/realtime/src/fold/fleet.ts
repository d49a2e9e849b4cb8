import type { RiderEvent, Telemetry, Trip, VehicleEvent } from '@hailstream/events';
import { noCounts, noFigures, type MutableFigures, type Totals } from './figures.js';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import { Motion, MotionPages, QUARTER_MS } from '../motion/motion.js';
import { TripTally } from '../tally/trip-tally.js';
import { CLOCK_TOLERANCE_MS, latest } from './newest.js';
import { PackedTrips, TripPacker } from './packed-trips.js';
import { Rate } from './rate.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { stagesUnderWay, TripFacts } from './trip.js';
import { contactAt, Vehicle } from './vehicle.js';

/** Maximum number of vehicles kept per provider; events of further vehicles are not folded. */
const MAX_VEHICLES_PER_PROVIDER = 1_000_000;

/** Maximum number of trips kept per provider; beyond it the trip that was added first is dropped. */
const MAX_TRIPS_PER_PROVIDER = 1_000_000;

/** A trip without an event for this long, by event time, is dropped and no longer counted. */
export const TRIP_KEPT_MS = 6 * 3_600_000;

/** How long the counts of dropped trips are kept: two days, and the interval of now. */
const TALLY_KEPT_MS = 2 * 86_400_000 + QUARTER_MS;

/** Age up to which cancellations are counted. */
export const CANCELLATIONS_WINDOW_MS = 15 * 60_000;

/**
 * The vehicles and trips of one provider. Every fold is idempotent and independent of the order of events; `timestamp` is
 * the event time according to `eventTimeAt`.
 */
export class Fleet {
  /** Vehicles that changed since {@link takeChangedVehicles}. */
  private changed = new Set<Vehicle>();
  /** Trips that changed since {@link takeChangedTrips}. */
  private changedTrips = new Set<TripFacts>();
  private readonly vehicles = new Map<string, Vehicle>();
  private readonly trips = new Map<string, TripFacts>();
  /** Trips that were read and do not count, and are not in {@link trips} yet. */
  private packed: PackedTrips | null = null;
  /** Vehicles that may not be silent yet and trips that may still count: all that {@link advance} visits. */
  private readonly activeVehicles = new Set<Vehicle>();
  private readonly activeTrips = new Set<TripFacts>();
  private readonly rate = new Rate();
  private readonly seenByState = noCounts();
  private newestEventAt: number | null = null;
  private newestReceivedAt: number | null = null;
  private seen = 0;
  private readonly motions = new MotionPages();
  /** Counts of the trips that were dropped. */
  private dropped = new TripTally(QUARTER_MS);
  /** Trips whose newest event is not after this were dropped and counted: later copies of their events are not counted again. */
  private droppedUpTo = Number.NEGATIVE_INFINITY;
  /** Whether a {@link join} is under way: until its end, a trip may be known in part only. */
  private isJoining = false;

  constructor(readonly providerId: string) {}

  /** Counts a record; `eventTime` is `null` if it was not folded. */
  count(eventTime: number | null, at: { readonly receivedAt: number; readonly now: number }): void {
    this.seen += 1;
    this.rate.count(at.now);
    this.newestEventAt = latest(this.newestEventAt, eventTime);
    this.newestReceivedAt = latest(this.newestReceivedAt, at.receivedAt);
  }

  /** The vehicle with this id, added if it is new; `null` if the fleet is full. */
  vehicleFor(deviceId: string): Vehicle | null {
    const known = this.vehicles.get(deviceId);
    if (known !== undefined) return known;
    if (this.vehicles.size >= MAX_VEHICLES_PER_PROVIDER) return null;
    const vehicle = new Vehicle(deviceId, this.providerId, new Motion(this.motions.next()));
    this.vehicles.set(deviceId, vehicle);
    this.seenByState.unknown += 1;
    return vehicle;
  }

  foldTelemetry(vehicle: Vehicle, event: Telemetry, timestamp: number): void {
    if (vehicle.foldTelemetry(event, timestamp)) this.markChanged(vehicle);
  }

  foldVehicleEvent(vehicle: Vehicle, event: VehicleEvent, timestamp: number): void {
    const before = vehicle.state ?? 'unknown';
    if (vehicle.foldEvent(event, timestamp)) {
      this.seenByState[before] -= 1;
      this.seenByState[vehicle.state ?? 'unknown'] += 1;
      this.markChanged(vehicle);
    }
    if (!TripFacts.concerns(event)) return;
    for (const tripId of event.trip_ids ?? []) {
      this.foldTrip(tripId, (trip) => trip.foldVehicleEvent(event, timestamp));
    }
  }

  foldRiderEvent(event: RiderEvent, timestamp: number): void {
    this.foldTrip(event.trip_id, (trip) => trip.foldRiderEvent(event, timestamp));
  }

  foldTripReport(event: Trip, endedAt: number): void {
    this.foldTrip(event.trip_id, (trip) => trip.foldReport(endedAt));
  }

  vehicle(deviceId: string): Vehicle | undefined {
    return this.vehicles.get(deviceId);
  }

  trip(tripId: string): TripFacts | undefined {
    return this.trips.get(tripId) ?? this.unpack(tripId);
  }

  allVehicles(): Iterable<Vehicle> {
    return this.vehicles.values();
  }

  allTrips(): Iterable<TripFacts> {
    this.unpackTrips(Number.POSITIVE_INFINITY);
    return this.trips.values();
  }

  /** Trips that no vehicle is reserved for yet. */
  *waitingTrips(): Generator<TripFacts> {
    for (const trip of this.activeTrips) if (trip.stage === 'requested') yield trip;
  }

  /** Decodes at most `count` of the trips that were read and not needed yet. Returns whether others are left. */
  unpackTrips(count: number): boolean {
    for (let left = count; left > 0 && this.packed !== null; left -= 1) {
      const trip = this.packed.takeNext();
      if (trip !== null) this.trips.set(trip.tripId, trip);
      if (trip === null || this.packed.isEmpty) this.packed = null;
    }
    return this.packed !== null;
  }

  /** The trip that a vehicle is reserved for or on. */
  tripOf(vehicle: Vehicle): TripFacts | null {
    for (const tripId of vehicle.tripIds) {
      const trip = this.trips.get(tripId);
      if (trip !== undefined && stagesUnderWay.has(trip.stage)) return trip;
    }
    return null;
  }

  get devicesSeen(): number {
    return this.vehicles.size;
  }

  get eventsSeen(): number {
    return this.seen;
  }

  /** A copy: later events do not change it. */
  totals(): Totals {
    return { devicesSeen: this.vehicles.size, eventsSeen: this.seen, byState: { ...this.seenByState } };
  }

  /** Returns the vehicles that changed since the last call. */
  takeChangedVehicles(): Set<Vehicle> {
    const { changed } = this;
    this.changed = new Set();
    return changed;
  }

  /** Returns the trips that changed since the last call, those that no longer count included. */
  takeChangedTrips(): Set<TripFacts> {
    const changed = this.changedTrips;
    this.changedTrips = new Set();
    return changed;
  }

  /** Whether a trip may count: not if it was dropped, or had no event for {@link TRIP_KEPT_MS} at the last {@link advance}. */
  isActive(trip: TripFacts): boolean {
    return this.activeTrips.has(trip);
  }

  /** Updates the contact of all vehicles to `now`, stops counting what is too old, and returns the figures. */
  advance(now: number): MutableFigures {
    const figures = noFigures();
    figures.newestEventAt = this.newestEventAt;
    figures.newestReceivedAt = this.newestReceivedAt;
    figures.eventsPerSecond = this.rate.perSecond(now);
    for (const vehicle of this.activeVehicles) {
      const contact = contactAt(vehicle.heardAt, now);
      if (contact !== vehicle.contact) {
        vehicle.contact = contact;
        this.changed.add(vehicle);
      }
      if (contact === 'silent') this.activeVehicles.delete(vehicle);
      else figures.byState[vehicle.state ?? 'unknown'] += 1;
    }
    figures.silent = this.vehicles.size - this.activeVehicles.size;
    for (const trip of this.activeTrips) {
      if (countTrip(trip, figures, now)) continue;
      this.activeTrips.delete(trip);
      this.changedTrips.add(trip);
    }
    return figures;
  }

  /**
   * Drops trips and trail points that are too old, so that memory use stays bounded: by the newest event and not by the clock,
   * so that the fleet depends on its events alone.
   */
  forget(): void {
    if (this.isJoining) return;
    // Events are at most this much later than their receipt: nothing is dropped that a page may have shown then.
    const asOf = (this.newestEventAt ?? Number.NEGATIVE_INFINITY) - CLOCK_TOLERANCE_MS;
    for (const vehicle of this.vehicles.values()) vehicle.forget(asOf);
    // A trip that is not decoded yet would be taken for one that was dropped, and counted, before.
    if (this.packed !== null) return;
    for (const [tripId, trip] of this.trips) {
      if (isForgotten(trip, asOf)) {
        this.dropTrip(tripId, trip);
      }
    }
    this.droppedUpTo = Math.max(this.droppedUpTo, asOf - TRIP_KEPT_MS);
    this.dropped.forget(asOf - TALLY_KEPT_MS);
  }

  /** Adds the trips up to `asOf` to counts, which include dropped trips only if they are per {@link QUARTER_MS}. */
  countTrips(into: TripTally, asOf: number): void {
    if (into.stepMs === QUARTER_MS) into.addAll(this.dropped);
    for (const trip of this.allTrips()) {
      if (trip.heardAt <= this.droppedUpTo) continue;
      // A trip that is over has nothing after its newest event.
      if (trip.heardAt < into.from && !this.activeTrips.has(trip)) continue;
      into.add(trip.times, Math.min(asOf, trip.heardAt + TRIP_KEPT_MS));
    }
  }

  /** Latest time of the folded events, and of the receipt of a record. */
  get latest(): { readonly event: number | null; readonly received: number | null } {
    return { event: this.newestEventAt, received: this.newestReceivedAt };
  }

  /**
   * Writes the fleet in steps, between which it may change: what is written contains all events that were folded before, and
   * some of those that are folded in between. `seen` is the count of records at the start.
   */
  *write(bytes: ByteWriter, seen: number): Generator<void> {
    const counts = new SeriesWriter(bytes);
    bytes.text(this.providerId);
    bytes.count(seen);
    counts.time(this.newestEventAt);
    counts.time(this.newestReceivedAt);
    for (const vehicle of this.vehicles.values()) {
      bytes.count(1);
      vehicle.write(new SeriesWriter(bytes));
      yield;
    }
    bytes.count(0);
    for (; this.packed !== null; yield) this.unpackTrips(1);
    // The trips of now, and the counts of those that were dropped before: no trip is in both, or in neither.
    const trips = [...this.trips.values()];
    counts.time(this.droppedUpTo === Number.NEGATIVE_INFINITY ? null : this.droppedUpTo);
    this.dropped.write(bytes);
    // A moment that starts from these bytes is not before the newest event, by a clock that may differ.
    const asOf = (this.newestEventAt ?? Number.NEGATIVE_INFINITY) - CLOCK_TOLERANCE_MS;
    const packer = new TripPacker();
    for (const trip of trips) {
      if (countTrip(trip, noFigures(), asOf)) {
        bytes.count(1);
        trip.write(new SeriesWriter(bytes));
      } else {
        packer.add(trip);
      }
      yield;
    }
    bytes.count(0);
    packer.write(bytes);
  }

  /**
   * Adds what another fleet of the provider was folded from, in steps between which events may be folded: the result is as if
   * one fleet had folded all events. The other fleet must have all events up to a time that is at most {@link TRIP_KEPT_MS} ago:
   * its counts of dropped trips replace those of this one. It must not be used afterwards.
   *
   * @param seenBefore the records of this fleet that the other one has counted, too
   */
  *join(other: Fleet, seenBefore: number): Generator<void> {
    this.isJoining = true;
    try {
      this.seen += other.seen - seenBefore;
      this.newestEventAt = latest(this.newestEventAt, other.newestEventAt);
      this.newestReceivedAt = latest(this.newestReceivedAt, other.newestReceivedAt);
      this.dropped = other.dropped;
      this.droppedUpTo = other.droppedUpTo;
      for (const vehicle of other.vehicles.values()) {
        this.joinVehicle(vehicle);
        yield;
      }
      for (; other.packed !== null; yield) other.unpackTrips(1);
      for (const trip of other.trips.values()) {
        this.joinTrip(trip);
        yield;
      }
    } finally {
      this.isJoining = false;
    }
  }

  /** Reads a fleet in steps. */
  static *read(bytes: ByteReader): Generator<void, Fleet> {
    const fleet = new Fleet(bytes.text());
    const counts = new SeriesReader(bytes);
    fleet.seen = bytes.count();
    fleet.newestEventAt = counts.time();
    fleet.newestReceivedAt = counts.time();
    while (bytes.count() === 1) {
      const vehicle = Vehicle.read(
        new SeriesReader(bytes),
        fleet.providerId,
        new Motion(fleet.motions.next()),
      );
      fleet.vehicles.set(vehicle.deviceId, vehicle);
      fleet.seenByState[vehicle.state ?? 'unknown'] += 1;
      fleet.markChanged(vehicle);
      yield;
    }
    fleet.droppedUpTo = counts.time() ?? Number.NEGATIVE_INFINITY;
    fleet.dropped.read(bytes);
    while (bytes.count() === 1) {
      const trip = TripFacts.read(new SeriesReader(bytes));
      fleet.trips.set(trip.tripId, trip);
      fleet.activeTrips.add(trip);
      fleet.changedTrips.add(trip);
      yield;
    }
    fleet.packed = PackedTrips.read(bytes);
    return fleet;
  }

  private markChanged(vehicle: Vehicle): void {
    this.changed.add(vehicle);
    this.activeVehicles.add(vehicle);
  }

  private foldTrip(tripId: string, fold: (trip: TripFacts) => void): void {
    let trip = this.trip(tripId);
    if (trip === undefined) {
      trip = new TripFacts(tripId);
      this.makeRoomForTrip();
      this.trips.set(tripId, trip);
    }
    fold(trip);
    this.activeTrips.add(trip);
    this.changedTrips.add(trip);
    const vehicle = trip.deviceId === null ? undefined : this.vehicles.get(trip.deviceId);
    if (vehicle !== undefined) this.changed.add(vehicle);
  }

  private joinVehicle(other: Vehicle): void {
    const known = this.vehicles.get(other.deviceId);
    if (known === undefined) {
      if (this.vehicles.size >= MAX_VEHICLES_PER_PROVIDER) return;
      this.vehicles.set(other.deviceId, other);
      this.seenByState[other.state ?? 'unknown'] += 1;
      this.markChanged(other);
      return;
    }
    const before = known.state ?? 'unknown';
    if (!known.join(other)) return;
    this.seenByState[before] -= 1;
    this.seenByState[known.state ?? 'unknown'] += 1;
    this.markChanged(known);
  }

  private joinTrip(other: TripFacts): void {
    let trip = this.trip(other.tripId);
    if (trip === undefined) {
      trip = other;
      this.makeRoomForTrip();
      this.trips.set(trip.tripId, trip);
    } else {
      trip.join(other);
      this.activeTrips.add(trip);
    }
    // Most trips have ended: those that cannot count are not visited by the next advance.
    const asOf = (this.newestEventAt ?? Number.NEGATIVE_INFINITY) - CLOCK_TOLERANCE_MS;
    if (!this.activeTrips.has(trip) && !countTrip(trip, noFigures(), asOf)) return;
    this.activeTrips.add(trip);
    this.changedTrips.add(trip);
  }

  private unpack(tripId: string): TripFacts | undefined {
    const trip = this.packed?.take(tripId) ?? undefined;
    if (trip !== undefined) this.trips.set(tripId, trip);
    return trip;
  }

  private dropTrip(tripId: string, trip: TripFacts): void {
    if (trip.heardAt > this.droppedUpTo) {
      const from = (this.newestEventAt ?? trip.heardAt) - TALLY_KEPT_MS;
      const counts = new TripTally(QUARTER_MS, { from, to: Number.POSITIVE_INFINITY });
      counts.add(trip.times, trip.heardAt + TRIP_KEPT_MS);
      this.dropped.addAll(counts);
    }
    this.trips.delete(tripId);
    this.activeTrips.delete(trip);
    this.changedTrips.add(trip);
  }

  private makeRoomForTrip(): void {
    if (this.trips.size < MAX_TRIPS_PER_PROVIDER) return;
    for (const [tripId, trip] of this.trips) {
      this.dropTrip(tripId, trip);
      return;
    }
  }
}

/** Adds a trip to the figures. Returns whether it may count again later without a new event. */
function countTrip(trip: TripFacts, figures: MutableFigures, now: number): boolean {
  if (isForgotten(trip, now)) return false;
  const stage = trip.stage;
  const isRecentlyCancelled = trip.cancelledAt !== null && now - trip.cancelledAt < CANCELLATIONS_WINDOW_MS;
  if (isRecentlyCancelled) figures.cancellations += 1;
  if (stagesUnderWay.has(stage)) {
    figures.tripsNow += 1;
  } else if (stage === 'requested') {
    figures.requestsWaiting += 1;
    figures.longestWaitMs = Math.max(figures.longestWaitMs, now - (trip.requestedAt ?? now));
  } else {
    return isRecentlyCancelled;
  }
  return true;
}

function isForgotten(trip: TripFacts, now: number): boolean {
  return now - trip.heardAt >= TRIP_KEPT_MS;
}
