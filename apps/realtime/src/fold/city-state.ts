import type { EventOf, FamilyName } from '@hailstream/events';
import type { Figures, VehicleDetail, VehicleRef } from '@hailstream/events/live';
import { contactAt } from './contact.js';
import { addCounts, noCounts, sumFigures, type CountByState } from './figures.js';
import { Fleet } from './fleet.js';
import { eventTimeAt } from './newest.js';
import type { Vehicle } from './vehicle.js';

/** Most providers whose fleets are kept; what a further one sends is refused. */
export const MAX_PROVIDERS = 1_000;

/**
 * How far ahead of its receipt an event may be. One that is less ahead happened when it was received, at the latest; one
 * that is further ahead has no time that can be relied on, and is counted and otherwise left alone.
 */
export const MAX_CLOCK_LEAD_MS = 600_000;

/** An event, with the name of its family. */
export type CityEvent = {
  readonly [Name in FamilyName]: { readonly kind: Name; readonly event: EventOf<Name> };
}[FamilyName];

/** What became of an event. */
export type FoldOutcome = 'folded' | 'ahead-of-clock' | 'no-room';

/** Whose vehicles and figures are meant: one provider's, or `null` for everyone's. */
export type Scope = string | null;

/** How much was seen, ever. */
export interface Totals {
  readonly devicesSeen: number;
  readonly eventsSeen: number;
  /** Every device seen, the silent ones too, by its newest state. */
  readonly byState: Readonly<CountByState>;
}

/** The city as the log tells it: one fleet for each provider, which no other provider's events touch. */
export class CityState {
  private readonly fleets = new Map<string, Fleet>();
  /** By the numbers that are short for them. */
  private readonly providerIds: string[] = [];
  private clears = 0;

  /** Folds one event, received at `receivedAt`. The same records in any order, each any number of times, fold to the same. */
  fold(input: CityEvent, at: { receivedAt: number; now: number }): FoldOutcome {
    const fleet = this.fleetFor(input.event.provider_id);
    if (fleet === null) return 'no-room';
    const said = input.kind === 'trips' ? input.event.end_time : input.event.timestamp;
    const isAhead = said > at.receivedAt + MAX_CLOCK_LEAD_MS;
    const timestamp = eventTimeAt(said, at.receivedAt);
    const outcome = fold(fleet, input, isAhead ? null : timestamp);
    fleet.count(outcome === 'folded' ? timestamp : null, at);
    return outcome;
  }

  /** The vehicles of one fleet or all. */
  *vehicles(scope: Scope): Generator<Vehicle> {
    for (const fleet of this.fleetsIn(scope)) yield* fleet.allVehicles();
  }

  /** The vehicles with a device id: it is unique only within one provider's fleet. */
  vehiclesWithId(deviceId: string, scope: Scope): Vehicle[] {
    return this.fleetsIn(scope).flatMap((fleet) => fleet.vehicle(deviceId) ?? []);
  }

  vehicle({ deviceId, providerId }: VehicleRef): Vehicle | null {
    return this.fleets.get(providerId)?.vehicle(deviceId) ?? null;
  }

  detail(vehicle: Vehicle, now: number): VehicleDetail {
    const position = vehicle.position;
    const trip = this.fleets.get(vehicle.providerId)?.tripOf(vehicle) ?? null;
    return {
      device_id: vehicle.deviceId,
      provider_id: vehicle.providerId,
      vehicle_state: vehicle.state,
      state_since: vehicle.events.stateSince,
      contact: contactAt(vehicle.heardAt, now),
      location: vehicle.location,
      located_at: position?.timestamp ?? null,
      trip: trip && {
        trip_id: trip.tripId,
        requested_at: trip.requestedAt,
        destination: trip.destination,
        last_rider_event: trip.lastRiderEvent,
      },
      trail: vehicle.trail.points(),
      events: vehicle.events.list().map(({ eventTypes, vehicleState, timestamp }) => ({
        event_types: eventTypes,
        vehicle_state: vehicleState,
        timestamp,
      })),
    };
  }

  /** What the figures are now, by scope. */
  survey(now: number): (scope: Scope) => Figures {
    const byProvider = new Map<string, Figures>();
    for (const [providerId, fleet] of this.fleets) byProvider.set(providerId, fleet.survey(now));
    const everyone = sumFigures([...byProvider.values()]);
    return (scope) => (scope === null ? everyone : (byProvider.get(scope) ?? sumFigures([])));
  }

  totals(scope: Scope): Totals {
    const byState = noCounts();
    let devicesSeen = 0;
    let eventsSeen = 0;
    for (const fleet of this.fleetsIn(scope)) {
      addCounts(byState, fleet.devicesByState);
      devicesSeen += fleet.devicesSeen;
      eventsSeen += fleet.eventsSeen;
    }
    return { devicesSeen, eventsSeen, byState };
  }

  /** Vehicles about which something changed since the last call. */
  takeTouched(): Vehicle[] {
    return [...this.fleets.values()].flatMap((fleet) => [...fleet.takeTouched()]);
  }

  /** Lets go of what is too old to count. */
  forget(now: number): void {
    for (const fleet of this.fleets.values()) fleet.forget(now);
  }

  /** Forgets everything: it came from a log that is not the one that is read from now on. */
  clear(): void {
    this.fleets.clear();
    this.providerIds.length = 0;
    this.clears += 1;
  }

  /** The id that the number of a provider is short for. */
  providerId(number: number): string {
    return this.providerIds[number] ?? '';
  }

  /** Changes when all that was known before is void. */
  get generation(): number {
    return this.clears;
  }

  private fleetFor(providerId: string): Fleet | null {
    const known = this.fleets.get(providerId);
    if (known !== undefined) return known;
    if (this.fleets.size >= MAX_PROVIDERS) return null;
    const fleet = new Fleet({ id: providerId, number: this.fleets.size });
    this.fleets.set(providerId, fleet);
    this.providerIds.push(providerId);
    return fleet;
  }

  private fleetsIn(scope: Scope): Fleet[] {
    if (scope === null) return [...this.fleets.values()];
    const fleet = this.fleets.get(scope);
    return fleet === undefined ? [] : [fleet];
  }
}

/** `timestamp` is `null` for an event that is too far ahead of its receipt. */
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
