import type { RiderEvent, Telemetry, Trip, VehicleEvent } from '@hailstream/events';
import { noCounts, noFigures, type MutableFigures, type Totals } from './figures.js';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import { PROVIDER_LIMITS, type ProviderLimits } from '../limits/provider-limits.js';
import { MotionPages } from '../motion/motion.js';
import type { TripTally } from '../tally/trip-tally.js';
import { FleetTrips, TRIP_LIMITS, type TripLimits, type TripPacks } from './fleet-trips.js';
import { CLOCK_TOLERANCE_MS, latest } from './newest.js';
import { Rate } from './rate.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { stagesUnderWay, TripFacts } from './trip.js';
import type { TripPack } from './trip-pack.js';
import { contactAt, Vehicle } from './vehicle.js';
import { VehiclePast } from './vehicle-past.js';

/** Bounds of a fleet. */
export type FleetLimits = TripLimits & ProviderLimits;

interface ReadOptions {
  readonly limits: Partial<FleetLimits> | undefined;
  /** The provider of the only fleet that is needed; `null` for all. */
  readonly selected: string | null;
}

/**
 * The vehicles and trips of one provider. Every fold is idempotent and independent of the order of events; `timestamp` is
 * the event time according to `eventTimeAt`.
 */
export class Fleet {
  /** Vehicles that changed since {@link takeChangedVehicles}. */
  private changed = new Set<Vehicle>();
  private readonly vehicles = new Map<string, Vehicle>();
  private readonly trips: FleetTrips;
  /** Vehicles that may not be silent yet: all that {@link advance} visits. */
  private readonly activeVehicles = new Set<Vehicle>();
  private readonly rate = new Rate();
  private readonly seenByState = noCounts();
  private newestEventAt: number | null = null;
  private newestReceivedAt: number | null = null;
  private seen = 0;
  private readonly motions = new MotionPages();
  /** Vehicles that were read and may not be decoded yet: they refer to the bytes of the whole city. */
  private encoded: Iterator<Vehicle> | null = null;
  /** Events of vehicles beyond the limit, since the process started. */
  private overQuota = 0;
  private readonly limits: FleetLimits;
  /** Whether a {@link join} is under way: until its end, a trip may be known in part only. */
  private isJoining = false;

  constructor(
    readonly providerId: string,
    limits: Partial<FleetLimits> = {},
  ) {
    this.limits = { ...TRIP_LIMITS, ...PROVIDER_LIMITS, ...limits };
    this.trips = new FleetTrips(() => this.newestEventAt, this.limits);
  }

  /** Counts a record; `eventTime` is `null` if it was not folded. */
  count(eventTime: number | null, at: { readonly receivedAt: number; readonly now: number }): void {
    this.seen += 1;
    this.rate.count(at.now);
    this.newestEventAt = latest(this.newestEventAt, eventTime);
    this.newestReceivedAt = latest(this.newestReceivedAt, at.receivedAt);
  }

  /** The vehicle with this id, added if it is new; `null` if the fleet is full: the event is counted as one beyond the limit. */
  vehicleFor(deviceId: string): Vehicle | null {
    const known = this.vehicles.get(deviceId);
    if (known !== undefined) return known;
    if (this.vehicles.size >= this.limits.vehicles) {
      this.overQuota += 1;
      return null;
    }
    const vehicle = new Vehicle(deviceId, this.providerId, new VehiclePast(this.motions));
    this.vehicles.set(deviceId, vehicle);
    this.seenByState.unknown += 1;
    return vehicle;
  }

  foldTelemetry(vehicle: Vehicle, event: Telemetry, timestamp: number): void {
    if (!this.isContinued(vehicle, timestamp)) return;
    if (vehicle.foldTelemetry(event, timestamp)) this.markChanged(vehicle);
  }

  foldVehicleEvent(vehicle: Vehicle, event: VehicleEvent, timestamp: number): void {
    if (this.isContinued(vehicle, timestamp)) {
      const before = vehicle.state ?? 'unknown';
      if (vehicle.foldEvent(event, timestamp)) {
        this.seenByState[before] -= 1;
        this.seenByState[vehicle.state ?? 'unknown'] += 1;
        this.markChanged(vehicle);
      }
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

  /** Drops a vehicle, and the trips that it made. Their counts remain. */
  erase(deviceId: string): void {
    this.trips.erase(deviceId);
    const vehicle = this.vehicles.get(deviceId);
    if (vehicle === undefined) return;
    this.drop(vehicle);
    vehicle.erase();
    // Pages that show it are sent the change.
    this.changed.add(vehicle);
  }

  vehicle(deviceId: string): Vehicle | undefined {
    return this.vehicles.get(deviceId);
  }

  trip(tripId: string): TripFacts | undefined {
    return this.trips.get(tripId);
  }

  allVehicles(): Iterable<Vehicle> {
    return this.vehicles.values();
  }

  allTrips(): Iterable<TripFacts> {
    return this.trips.all();
  }

  /** Trips that no vehicle is reserved for yet. */
  waitingTrips(): Iterable<TripFacts> {
    return this.trips.waiting();
  }

  /** Decodes at most `count` of the trips that were read and not needed yet. Returns whether others are left. */
  unpackTrips(count: number): boolean {
    return this.trips.unpack(count);
  }

  /** Decodes the pasts of at most `count` of the vehicles that were read. Returns whether others are left. */
  decodeVehicles(count: number): boolean {
    for (let left = count; left > 0 && this.encoded !== null; left -= 1) {
      const next = this.encoded.next();
      if (next.done === true) this.encoded = null;
      else next.value.decode();
    }
    return this.encoded !== null;
  }

  /** The trip that a vehicle is reserved for or on. */
  tripOf(vehicle: Vehicle): TripFacts | null {
    for (const tripId of vehicle.tripIds) {
      const trip = this.trips.underWay(tripId);
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
    return this.trips.takeChanged();
  }

  /** Whether a trip may count: not if it was dropped, or was too old at the last {@link advance}. */
  isActive(trip: TripFacts): boolean {
    return this.trips.isActive(trip);
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
    if (this.overQuota > 0) figures.overQuota = this.overQuota;
    this.trips.advance(figures, now);
    return figures;
  }

  /**
   * Drops vehicles, trips and trail points that are too old, so that memory use stays bounded: by the newest event and not by the clock,
   * so that the fleet depends on its events alone.
   */
  forget(): void {
    if (this.isJoining) return;
    this.dropSilent();
    for (const vehicle of this.vehicles.values()) vehicle.forget(this.asOf);
    this.trips.forget();
  }

  /** Drops vehicles that were silent for too long, and those without an event that could be folded. */
  dropSilent(): void {
    if (this.isJoining) return;
    const { asOf } = this;
    for (const vehicle of this.vehicles.values()) {
      const { heardAt } = vehicle;
      if (heardAt === null || asOf - heardAt >= this.limits.vehiclesKeptMs) this.drop(vehicle);
    }
  }

  /** Adds the trips up to `asOf` to counts, which include dropped trips only if they are per `QUARTER_MS`. */
  countTrips(into: TripTally, asOf: number): void {
    this.trips.count(into, asOf);
  }

  /** Latest time of the folded events, and of the receipt of a record. */
  get latest(): { readonly event: number | null; readonly received: number | null } {
    return { event: this.newestEventAt, received: this.newestReceivedAt };
  }

  /**
   * Writes the fleet in steps, between which it may change: what is written contains all events that were folded before, and
   * some of those that are folded in between. The packs of trips that it refers to are added to `packs`. `seen` is the count of
   * records at the start.
   */
  *write(bytes: ByteWriter, packs: Map<string, TripPack>, seen: number): Generator<void> {
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
    yield* this.trips.write(bytes, packs);
  }

  /**
   * Adds what another fleet of the provider was folded from, in steps between which events may be folded: the result is as if
   * one fleet had folded all events. The other fleet must have all events up to a time that is at most `TRIP_KEPT_MS` ago:
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
      for (const vehicle of other.vehicles.values()) {
        this.joinVehicle(vehicle);
        yield;
      }
      yield* this.trips.join(other.trips);
    } finally {
      this.isJoining = false;
    }
  }

  /** Reads a fleet in steps. The vehicles of one that is not selected are skipped, so that they are not in memory at once. */
  static *read(
    bytes: ByteReader,
    packs: TripPacks,
    { limits, selected }: ReadOptions,
  ): Generator<void, Fleet> {
    const fleet = new Fleet(bytes.text(), limits);
    const isSelected = selected === null || selected === fleet.providerId;
    const counts = new SeriesReader(bytes);
    fleet.seen = bytes.count();
    fleet.newestEventAt = counts.time();
    fleet.newestReceivedAt = counts.time();
    while (bytes.count() === 1) {
      const vehicle = Vehicle.read(new SeriesReader(bytes), fleet.providerId, fleet.motions);
      if (isSelected) fleet.adopt(vehicle);
      yield;
    }
    fleet.encoded = fleet.vehicles.values();
    yield* fleet.trips.read(bytes, packs);
    return fleet;
  }

  /** Events are at most this much later than their receipt: nothing is dropped that a page may have shown then. */
  private get asOf(): number {
    return (this.newestEventAt ?? Number.NEGATIVE_INFINITY) - CLOCK_TOLERANCE_MS;
  }

  private adopt(vehicle: Vehicle): void {
    this.vehicles.set(vehicle.deviceId, vehicle);
    this.seenByState[vehicle.state ?? 'unknown'] += 1;
    this.markChanged(vehicle);
  }

  private markChanged(vehicle: Vehicle): void {
    this.changed.add(vehicle);
    this.activeVehicles.add(vehicle);
  }

  /**
   * Whether an event is of the time that is known of a vehicle. A vehicle that was silent for so long that it may have been
   * dropped starts again, and an event of before its silence has no effect: the result is the same whether it was dropped.
   */
  private isContinued(vehicle: Vehicle, timestamp: number): boolean {
    const { heardAt } = vehicle;
    const { vehiclesKeptMs } = this.limits;
    if (heardAt === null || Math.abs(timestamp - heardAt) < vehiclesKeptMs) return true;
    if (timestamp < heardAt) return false;
    this.seenByState[vehicle.state ?? 'unknown'] -= 1;
    this.seenByState.unknown += 1;
    vehicle.erase();
    return true;
  }

  private drop(vehicle: Vehicle): void {
    this.seenByState[vehicle.state ?? 'unknown'] -= 1;
    this.vehicles.delete(vehicle.deviceId);
    this.activeVehicles.delete(vehicle);
  }

  private foldTrip(tripId: string, fold: (trip: TripFacts) => void): void {
    const { deviceId } = this.trips.fold(tripId, fold);
    const vehicle = deviceId === null ? undefined : this.vehicles.get(deviceId);
    if (vehicle !== undefined) this.changed.add(vehicle);
  }

  private joinVehicle(other: Vehicle): void {
    const known = this.vehicles.get(other.deviceId);
    if (known === undefined) {
      if (this.vehicles.size >= this.limits.vehicles) return;
      other.decode();
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
}
