import type { EventOf, FamilyName } from '@hailstream/events';
import type { Figures, VehicleRef } from '@hailstream/events/live';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import type { TripTally } from '../tally/trip-tally.js';
import { Erasures, type Erasure } from './erasures.js';
import { sumFigures, sumTotals, type Totals } from './figures.js';
import type { TripPacks } from './fleet-trips.js';
import { Fleet, type FleetLimits } from './fleet.js';
import { eventTimeAt, latest } from './newest.js';
import type { TripFacts } from './trip.js';
import type { TripPack } from './trip-pack.js';
import type { Vehicle } from './vehicle.js';

/** Maximum number of providers whose fleets are kept; events of further providers are not folded. */
const MAX_PROVIDERS = 1_000;

/**
 * How far an event's timestamp may be ahead of its receipt. An event within this limit happened at the latest when it was
 * received; an event beyond it is counted but not folded, because its time cannot be trusted.
 */
export const MAX_CLOCK_LEAD_MS = 600_000;

/** An event, with the name of its family. */
export type CityEvent = {
  readonly [Name in FamilyName]: { readonly kind: Name; readonly event: EventOf<Name> };
}[FamilyName];

export type FoldOutcome = 'folded' | 'ahead-of-clock' | 'no-room' | 'erased';

/** Selects the vehicles and figures of one provider, or of all providers if it is `null`. */
export type ProviderFilter = string | null;

/** A trip that changed. `isActive` is false for one that is too old to count. */
export interface ChangedTrip {
  readonly providerId: string;
  readonly trip: TripFacts;
  readonly isActive: boolean;
}

/** The counts of a city as of the last {@link CityState.advance}. */
interface CitySummary {
  readonly asOf: number;
  readonly figures: Figures;
  readonly totals: Totals;
}

/**
 * The state of the city, folded from the log: one fleet per provider. The events of one provider never change the fleet of
 * another. Only {@link fold}, {@link advance}, {@link takeChangedVehicles}, {@link takeChangedTrips}, {@link forget}, {@link join},
 * {@link erase} and {@link clear} change it.
 */
export class CityState {
  readonly erasures = new Erasures();
  private readonly fleets = new Map<string, Fleet>();
  private clears = 0;
  private everyone: CitySummary | null = null;
  private byProvider: ReadonlyMap<string, CitySummary> = new Map();

  /** @param limits bounds of each provider; the defaults apply to those that are omitted */
  constructor(private readonly limits?: Partial<FleetLimits>) {}

  /** Folds one event. The same records fold to the same state in any order, however often each is repeated. */
  fold(input: CityEvent, at: { receivedAt: number; now: number }): FoldOutcome {
    if (this.erasures.concern(input.event)) return 'erased';
    const fleet = this.fleetFor(input.event.provider_id);
    if (fleet === null) return 'no-room';
    const timestamp = timeOf(input, at.receivedAt);
    const outcome = fold(fleet, input, timestamp);
    fleet.count(outcome === 'folded' ? timestamp : null, at);
    return outcome;
  }

  /**
   * Drops a device with its trips, and folds no event of a rider or a device from now on. A city that is read or joined later
   * is treated likewise.
   */
  erase(erasure: Erasure): void {
    if (this.erasures.add(erasure)) this.dropErased([erasure]);
  }

  /**
   * Moves the city on to `now`: vehicles become stale or silent, trips stop counting, and {@link summary} is computed again.
   * Called once per tick.
   */
  advance(now: number): void {
    const byProvider = new Map<string, CitySummary>();
    for (const [providerId, fleet] of this.fleets) {
      byProvider.set(providerId, { asOf: now, figures: fleet.advance(now), totals: fleet.totals() });
    }
    this.byProvider = byProvider;
    this.everyone = sumSummaries(now, [...byProvider.values()]);
  }

  /** As of the last {@link advance}; `null` if there was none since the start or the last {@link clear}. */
  summary(filter: ProviderFilter): CitySummary | null {
    if (this.everyone === null || filter === null) return this.everyone;
    return this.byProvider.get(filter) ?? sumSummaries(this.everyone.asOf, []);
  }

  *vehicles(filter: ProviderFilter): Generator<Vehicle> {
    for (const fleet of this.fleetsOf(filter)) yield* fleet.allVehicles();
  }

  *trips(filter: ProviderFilter): Generator<{ readonly providerId: string; readonly trip: TripFacts }> {
    for (const fleet of this.fleetsOf(filter)) {
      for (const trip of fleet.allTrips()) yield { providerId: fleet.providerId, trip };
    }
  }

  /** Counts of the trips up to `asOf`; those that were dropped are included if the counts are per `QUARTER_MS`. */
  countTrips(
    into: TripTally,
    { filter, asOf }: { readonly filter: ProviderFilter; readonly asOf: number },
  ): void {
    for (const fleet of this.fleetsOf(filter)) fleet.countTrips(into, asOf);
  }

  /** Trips that no vehicle is reserved for yet. */
  *waitingTrips(filter: ProviderFilter): Generator<TripFacts> {
    for (const fleet of this.fleetsOf(filter)) yield* fleet.waitingTrips();
  }

  /** The event time of each provider's newest event. */
  *feeds(filter: ProviderFilter): Generator<{ readonly providerId: string; readonly newestEventAt: number }> {
    for (const { providerId, latest: newest } of this.fleetsOf(filter)) {
      if (newest.event !== null) yield { providerId, newestEventAt: newest.event };
    }
  }

  /** The providers of which an event was folded, with the number of their vehicles. */
  providers(filter: ProviderFilter): { readonly providerId: string; readonly vehicles: number }[] {
    return this.fleetsOf(filter).map(({ providerId, devicesSeen }) => ({
      providerId,
      vehicles: devicesSeen,
    }));
  }

  /** The vehicles with a device id, which is unique only within the fleet of one provider. */
  vehiclesWithId(deviceId: string, filter: ProviderFilter): Vehicle[] {
    return this.fleetsOf(filter).flatMap((fleet) => fleet.vehicle(deviceId) ?? []);
  }

  vehicle({ deviceId, providerId }: VehicleRef): Vehicle | null {
    return this.fleets.get(providerId)?.vehicle(deviceId) ?? null;
  }

  /** The trip that a vehicle is reserved for or on. */
  tripOf(vehicle: Vehicle): TripFacts | null {
    return this.fleets.get(vehicle.providerId)?.tripOf(vehicle) ?? null;
  }

  get devicesSeen(): number {
    let count = 0;
    for (const fleet of this.fleets.values()) count += fleet.devicesSeen;
    return count;
  }

  /** Returns the vehicles that changed since the last call, by an event or by {@link advance}. */
  takeChangedVehicles(): Vehicle[] {
    return [...this.fleets.values()].flatMap((fleet) => [...fleet.takeChangedVehicles()]);
  }

  /** Returns the trips that changed since the last call. */
  takeChangedTrips(): ChangedTrip[] {
    return [...this.fleets.values()].flatMap((fleet) =>
      Array.from(fleet.takeChangedTrips(), (trip) => ({
        providerId: fleet.providerId,
        trip,
        isActive: fleet.isActive(trip),
      })),
    );
  }

  /** Decodes at most `count` trips of each fleet that were read and not needed yet. Returns whether others are left. */
  unpackTrips(count: number, filter: ProviderFilter = null): boolean {
    return this.fleetsOf(filter)
      .map((fleet) => fleet.unpackTrips(count))
      .includes(true);
  }

  /**
   * Decodes the pasts of at most `count` vehicles of each fleet that were read. Returns whether others are left: they keep the
   * bytes of the city that was read in memory.
   */
  decodeVehicles(count: number): boolean {
    return [...this.fleets.values()].map((fleet) => fleet.decodeVehicles(count)).includes(true);
  }

  /** Drops vehicles, trips and trail points that are too old to be shown or counted. */
  forget(): void {
    for (const fleet of this.fleets.values()) fleet.forget();
  }

  /** Drops only the vehicles of those. */
  dropSilent(): void {
    for (const fleet of this.fleets.values()) fleet.dropSilent();
  }

  /**
   * Writes the city, in steps between which events may be folded: folding all events that follow the start again then
   * results in the same city as folding every event once. The rate of events per second is not included. The packs of trips that
   * the bytes refer to are added to `packs`: most of them are those of the city that was written before.
   */
  *write(bytes: ByteWriter, packs: Map<string, TripPack>): Generator<void> {
    const atStart = [...this.fleets.values()].map((fleet) => ({ fleet, seen: fleet.eventsSeen }));
    for (const { fleet, seen } of atStart) {
      bytes.count(1);
      yield* fleet.write(bytes, packs, seen);
    }
    bytes.count(0);
  }

  /**
   * Replaces the city by one that was written, or by the fleet of one provider of it. The summary is empty until the next
   * {@link advance}.
   */
  read(bytes: ByteReader, packs: TripPacks, filter: ProviderFilter = null): void {
    this.prepare(bytes, packs, filter)();
  }

  /** Decodes a city that was written. The function that it returns replaces this city, as {@link read} does. */
  prepare(bytes: ByteReader, packs: TripPacks, filter: ProviderFilter = null): () => void {
    const steps = this.readFleets(bytes, packs, filter);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    const fleets = step.value;
    return () => {
      this.clear();
      for (const fleet of fleets) this.fleets.set(fleet.providerId, fleet);
      this.dropErased(this.erasures.after(0));
    };
  }

  /**
   * Adds a city that was written, in steps between which events may be folded: the result is as if one city had folded the
   * events of both. See {@link Fleet.join} for what the other city must have.
   *
   * @param seenBefore {@link eventsSeen} of this city when it had the events that the other one has
   */
  *join(bytes: ByteReader, packs: TripPacks, seenBefore: ReadonlyMap<string, number>): Generator<void> {
    for (const other of yield* this.readFleets(bytes, packs, null)) {
      const fleet = this.fleetFor(other.providerId);
      if (fleet !== null) yield* fleet.join(other, seenBefore.get(other.providerId) ?? 0);
    }
    this.dropErased(this.erasures.after(0));
  }

  /** The number of records of each provider. */
  eventsSeen(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.fleets.values(), (fleet) => [fleet.providerId, fleet.eventsSeen]));
  }

  /** Latest time of the folded events and of their receipts, in milliseconds; `null` without events. */
  get latest(): { readonly event: number | null; readonly received: number | null } {
    let [event, received]: (number | null)[] = [null, null];
    for (const { latest: of } of this.fleets.values()) {
      event = latest(event ?? null, of.event);
      received = latest(received ?? null, of.received);
    }
    return { event: event ?? null, received: received ?? null };
  }

  /** Drops everything: the log that it was folded from was replaced by another one. */
  clear(): void {
    this.fleets.clear();
    this.everyone = null;
    this.byProvider = new Map();
    this.clears += 1;
  }

  /** Incremented by each {@link clear}. */
  get generation(): number {
    return this.clears;
  }

  /** What is known of riders are the trips, which have no id of the rider. */
  private dropErased(erasures: readonly Erasure[]): void {
    for (const { kind, id } of erasures) {
      if (kind === 'device') for (const fleet of this.fleets.values()) fleet.erase(id);
    }
  }

  private fleetFor(providerId: string): Fleet | null {
    const known = this.fleets.get(providerId);
    if (known !== undefined) return known;
    if (this.fleets.size >= MAX_PROVIDERS) return null;
    const fleet = new Fleet(providerId, this.limits);
    this.fleets.set(providerId, fleet);
    return fleet;
  }

  /** Reads the fleets of a city in steps. */
  private *readFleets(
    bytes: ByteReader,
    packs: TripPacks,
    selected: ProviderFilter,
  ): Generator<void, Fleet[]> {
    const fleets: Fleet[] = [];
    while (bytes.count() === 1) {
      const fleet = yield* Fleet.read(bytes, packs, { limits: this.limits, selected });
      if (selected === null || fleet.providerId === selected) fleets.push(fleet);
    }
    return fleets;
  }

  private fleetsOf(filter: ProviderFilter): Fleet[] {
    if (filter === null) return [...this.fleets.values()];
    const fleet = this.fleets.get(filter);
    return fleet === undefined ? [] : [fleet];
  }
}

/** The time of an event by {@link eventTimeAt}; `null` if it is too far ahead of its receipt. */
export function timeOf(input: CityEvent, receivedAt: number): number | null {
  const reported = input.kind === 'trips' ? input.event.end_time : input.event.timestamp;
  return reported > receivedAt + MAX_CLOCK_LEAD_MS ? null : eventTimeAt(reported, receivedAt);
}

function sumSummaries(asOf: number, parts: readonly CitySummary[]): CitySummary {
  return {
    asOf,
    figures: sumFigures(parts.map(({ figures }) => figures)),
    totals: sumTotals(parts.map(({ totals }) => totals)),
  };
}

/** `timestamp` is `null` if the event is too far ahead of its receipt. */
function fold(fleet: Fleet, input: CityEvent, timestamp: number | null): FoldOutcome {
  switch (input.kind) {
    case 'telemetry':
    case 'vehicle-events': {
      const vehicle = fleet.vehicleFor(input.event.device_id);
      if (vehicle === null) return 'no-room';
      if (timestamp === null) return 'ahead-of-clock';
      if (input.kind === 'telemetry') fleet.foldTelemetry(vehicle, input.event, timestamp);
      else fleet.foldVehicleEvent(vehicle, input.event, timestamp);
      return 'folded';
    }
    case 'rider-events':
      if (timestamp === null) return 'ahead-of-clock';
      fleet.foldRiderEvent(input.event, timestamp);
      return 'folded';
    case 'trips':
      if (timestamp === null) return 'ahead-of-clock';
      fleet.foldTripReport(input.event, timestamp);
      return 'folded';
  }
}
