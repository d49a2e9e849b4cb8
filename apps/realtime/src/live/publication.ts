import type { GoneRow, RequestRow, VehicleRow } from '@hailstream/events/live';
import type { ChangedTrip, CityState, ProviderFilter } from '../fold/city-state.js';
import type { TripFacts } from '../fold/trip.js';
import type { Vehicle } from '../fold/vehicle.js';
import { requestRow, vehicleRow, type ProviderNumbers } from '../views/frame.js';
import { Departures } from './departures.js';
import { covers, finestCellAt, type CellRange } from './grid.js';
import type { Change, DrawnRow, RowsSince, RowsWithin } from './rooms.js';

interface DrawnVehicle {
  readonly kind: 'vehicle';
  readonly providerId: string;
  /** Stands for the vehicle in binary frames. */
  readonly number: number;
  row: VehicleRow;
  /** Of the last change of the row. */
  sequence: number;
}

interface DrawnRequest {
  readonly kind: 'request';
  readonly providerId: string;
  readonly row: RequestRow;
  readonly sequence: number;
}

/** A row that clients are sent. */
export type DrawnSubject = DrawnVehicle | DrawnRequest;

/** What has left a range of cells. */
export type Gone = Pick<RowsSince, 'gone' | 'goneNumbers' | 'requestsGone'>;

/** The sequence before the first changes: all rows have changed since. */
const NOTHING_PUBLISHED = 0;

/**
 * What clients have been sent: the row of every drawn vehicle and waiting rider as of the last tick. Snapshots are taken from here and not
 * from the fold, so that the next frame's changes are also correct for a client that connected between two ticks.
 */
export class Publication {
  private readonly byProvider = new Map<string, Map<Vehicle, DrawnVehicle>>();
  private nextNumber = 0;
  private readonly requests = new Map<TripFacts, DrawnRequest>();
  private readonly departures: Departures<DrawnSubject>;
  private looked = 0;
  private lastSequence = NOTHING_PUBLISHED;
  private hasStarted = false;

  /** Without `maxDepartures`, {@link since} knows nothing once a row has left a cell. */
  constructor(
    private readonly city: CityState,
    private readonly numbers: ProviderNumbers,
    maxDepartures = 0,
  ) {
    this.departures = new Departures(maxDepartures);
  }

  /** How often changes were published. */
  get sequence(): number {
    return this.lastSequence;
  }

  /** How many rows were looked at so far to find those of a range. */
  get rowsLookedAt(): number {
    return this.looked;
  }

  /** Whether {@link start} was called. */
  get isStarted(): boolean {
    return this.hasStarted;
  }

  /** Adopts the whole city, and returns all rows. */
  start(now: number): Change[] {
    this.hasStarted = true;
    this.lastSequence += 1;
    const changes: Change[] = [];
    this.publishVehicles(this.city.vehicles(null), now, changes);
    for (const { providerId } of this.city.providers(null)) {
      for (const trip of this.city.waitingTrips(providerId)) {
        this.publishRequest({ providerId, trip, isActive: true }, changes);
      }
    }
    return changes;
  }

  /** Adopts nothing of what changed since the last call: {@link start} adopts the whole city. Returns the vehicles that changed. */
  skipChanges(): Vehicle[] {
    this.city.takeChangedTrips();
    return this.city.takeChangedVehicles();
  }

  /** Adopts what changed since the last call. Returns the rows that changed, and all vehicles that did. */
  publishChanges(now: number): { changes: Change[]; changed: Vehicle[] } {
    this.lastSequence += 1;
    const changed = this.city.takeChangedVehicles();
    const changes: Change[] = [];
    this.publishVehicles(changed, now, changes);
    for (const change of this.city.takeChangedTrips()) this.publishRequest(change, changes);
    return { changes, changed };
  }

  private publishVehicles(vehicles: Iterable<Vehicle>, now: number, changes: Change[]): void {
    const { sequence } = this;
    for (const vehicle of vehicles) {
      const { providerId } = vehicle;
      const rows = this.rowsOf(providerId);
      const known = rows.get(vehicle);
      const before = known?.row ?? null;
      const after = vehicleRow(vehicle, this.numbers.of(providerId), now);
      if (isSame(before, after)) continue;
      const number = known?.number ?? this.nextNumber++;
      if (known !== undefined) this.noteDeparture(known, after);
      if (after === null) {
        rows.delete(vehicle);
      } else if (known === undefined) {
        rows.set(vehicle, { kind: 'vehicle', providerId, number, row: after, sequence });
      } else {
        known.row = after;
        known.sequence = sequence;
      }
      changes.push({ kind: 'vehicle', providerId, number, before, after });
    }
  }

  private publishRequest({ providerId, trip, isActive }: ChangedTrip, changes: Change[]): void {
    const { sequence } = this;
    const known = this.requests.get(trip);
    const before = known?.row ?? null;
    const after = isActive ? requestRow(trip, this.numbers.of(providerId)) : null;
    if (isSame(before, after)) return;
    if (known !== undefined) this.noteDeparture(known, after);
    if (after === null) this.requests.delete(trip);
    else this.requests.set(trip, { kind: 'request', providerId, row: after, sequence });
    changes.push({ kind: 'request', providerId, before, after });
  }

  /** Notes whether a row leaves its cell of the finest level. */
  private noteDeparture(subject: DrawnSubject, after: DrawnRow | null): void {
    const cell = finestCellAt(subject.row[1], subject.row[2]);
    if (after !== null && finestCellAt(after[1], after[2]) === cell) return;
    this.departures.add({ sequence: this.sequence, cell, subject });
  }

  /** The rows within a range of cells. */
  within(filter: ProviderFilter, range: CellRange): RowsWithin {
    return this.changedWithin(filter, range, NOTHING_PUBLISHED);
  }

  /**
   * What changed within a range of cells after a sequence; `null` if that is no longer known, or if more vehicles have left the
   * range than are in it, so that all of its rows are shorter.
   */
  since(filter: ProviderFilter, range: CellRange, sequence: number): RowsSince | null {
    if (!this.departures.isCompleteSince(sequence)) return null;
    const { vehicles, numbers, requests, drawn } = this.changedWithin(filter, range, sequence);
    // What has departed and is in the range now, has changed since. By id: it may have been dropped and drawn again.
    const vehiclesHere = new Set(vehicles.map((row) => keyOf(row[0], row[7])));
    const requestsHere = new Set(requests.map((row) => keyOf(row[0], row[4])));
    const departed = this.departedFrom(filter, range, sequence);
    const gone = goneOf(departed, ({ kind, key }) => {
      return !(kind === 'request' ? requestsHere : vehiclesHere).has(key);
    });
    return gone.gone.length > drawn ? null : { vehicles, numbers, requests, ...gone };
  }

  /**
   * What has left a range of cells after a sequence, and may have returned, if what changed since is read by {@link rowsAfter};
   * `null` if that is no longer known, or if it is more than `limit`.
   */
  goneSince(
    filter: ProviderFilter,
    range: CellRange,
    after: { sequence: number; limit: number },
  ): Gone | null {
    if (!this.departures.isCompleteSince(after.sequence)) return null;
    const departed = this.departedFrom(filter, range, after.sequence);
    return departed.length > after.limit ? null : goneOf(departed, () => true);
  }

  /**
   * The rows within a range of cells that changed after a sequence, as they are when they are read, `null` for each other row. The
   * rows may change meanwhile: what changes after the start is not complete.
   */
  *rowsAfter(
    filter: ProviderFilter,
    range: CellRange,
    after = NOTHING_PUBLISHED,
  ): Generator<DrawnSubject | null> {
    for (const rows of this.rowsBy(filter)) {
      for (const drawn of rows.values()) {
        yield drawn.sequence > after && covers(range, drawn.row[1], drawn.row[2]) ? drawn : null;
      }
    }
    for (const drawn of this.requests.values()) {
      const isMeant = drawn.sequence > after && (filter === null || drawn.providerId === filter);
      yield isMeant && covers(range, drawn.row[1], drawn.row[2]) ? drawn : null;
    }
  }

  private departedFrom(filter: ProviderFilter, range: CellRange, sequence: number): Departed[] {
    return Array.from(this.departures.since(sequence, range)).flatMap((subject) => {
      const { kind, providerId, row } = subject;
      if (filter !== null && providerId !== filter) return [];
      const provider = this.numbers.of(providerId);
      const number = subject.kind === 'vehicle' ? subject.number : -1;
      return [{ kind, number, row: [row[0], provider], key: keyOf(row[0], provider) }];
    });
  }

  private rowsOf(providerId: string): Map<Vehicle, DrawnVehicle> {
    let rows = this.byProvider.get(providerId);
    if (rows === undefined) this.byProvider.set(providerId, (rows = new Map<Vehicle, DrawnVehicle>()));
    return rows;
  }

  private *rowsBy(filter: ProviderFilter): Generator<ReadonlyMap<Vehicle, DrawnVehicle>> {
    if (filter === null) yield* this.byProvider.values();
    else yield this.byProvider.get(filter) ?? new Map();
  }

  /** The rows within a range of cells that changed after a sequence, and how many vehicles are drawn there. */
  private changedWithin(
    filter: ProviderFilter,
    range: CellRange,
    after: number,
  ): RowsWithin & { readonly drawn: number } {
    const vehicles: VehicleRow[] = [];
    const numbers: number[] = [];
    let drawn = 0;
    for (const rows of this.rowsBy(filter)) {
      this.looked += rows.size;
      for (const { number, row, sequence } of rows.values()) {
        if (!covers(range, row[1], row[2])) continue;
        drawn += 1;
        if (sequence <= after) continue;
        vehicles.push(row);
        numbers.push(number);
      }
    }
    const requests: RequestRow[] = [];
    for (const { providerId, row, sequence } of this.requests.values()) {
      if (sequence <= after || (filter !== null && providerId !== filter)) continue;
      if (covers(range, row[1], row[2])) requests.push(row);
    }
    return { vehicles, numbers, requests, drawn };
  }
}

/** A row that has left a range of cells. */
interface Departed {
  readonly kind: DrawnSubject['kind'];
  /** Of a vehicle. */
  readonly number: number;
  readonly row: GoneRow;
  readonly key: string;
}

function goneOf(departed: readonly Departed[], isGone: (one: Departed) => boolean): Gone {
  const gone = departed.filter(isGone);
  const vehicles = gone.filter(({ kind }) => kind === 'vehicle');
  return {
    gone: vehicles.map(({ row }) => row),
    goneNumbers: vehicles.map(({ number }) => number),
    requestsGone: gone.flatMap(({ kind, row }) => (kind === 'request' ? [row] : [])),
  };
}

/** Identifies a vehicle or a trip by its id and the number of its provider. */
function keyOf(id: string, provider: number): string {
  return `${provider} ${id}`;
}

function isSame(one: DrawnRow | null, other: DrawnRow | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
