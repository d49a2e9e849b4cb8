import type { Contact, Frame, VehicleQuery, VehicleRef, VehicleRow } from '@hailstream/events/live';
import { distanceMeters, type Place } from './mercator.js';
import { type DrawnState, toDrawnState } from './drawn-state.js';

/** A longer move than a vehicle drives in a tick: a correction, shown without animation. */
const LEAP_METERS = 300;

/** A move of less than this in latitude and in longitude is shorter than {@link LEAP_METERS}, and cheaper to recognize. */
const SMALL_MOVE_DEGREES = 0.0019;

const INITIAL_CAPACITY = 1024;

/** A vehicle as shown in the table and the card; `null` is unknown. */
export interface Vehicle extends VehicleRef {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly state: DrawnState;
  readonly contact: Contact;
}

/**
 * The vehicles in the viewport, as columns, with their interpolated positions. A frame sets target positions; all vehicles
 * move from where they are drawn to their targets over one tick.
 *
 * A vehicle keeps its slot until it is removed; the last vehicle then moves into that slot, so that slots 0 to `size - 1`
 * are always in use.
 */
export class Fleet {
  /** By provider and device: two providers may use the same device id. */
  private readonly slots = new Map<string, Map<string, number>>();
  private readonly refs: VehicleRef[] = [];
  private readonly rows: VehicleRow[] = [];
  private readonly states: DrawnState[] = [];
  private fromLng = new Float64Array(INITIAL_CAPACITY);
  private fromLat = new Float64Array(INITIAL_CAPACITY);
  private toLng = new Float64Array(INITIAL_CAPACITY);
  private toLat = new Float64Array(INITIAL_CAPACITY);
  /** Degrees clockwise from north; NaN if unknown. */
  private fromHeading = new Float32Array(INITIAL_CAPACITY);
  /** Degrees to turn during the move, in the shorter direction. */
  private turn = new Float32Array(INITIAL_CAPACITY);
  private glideStartedAt = 0;
  private glideMs = 0;

  get size(): number {
    return this.rows.length;
  }

  /** Applies a frame. `whole` is a snapshot: vehicles that are not in it are removed. Without `glides`, vehicles move at once. */
  apply(frame: Frame, options: { now: number; whole: boolean; glides: boolean }): void {
    this.settle(options.now);
    this.glideMs = options.glides ? frame.tickMs : 0;
    if (options.whole) this.keepOnly(frame);
    const { providers } = frame;
    for (const row of frame.vehicles) this.put(row, providers[row[7]] ?? '');
    for (const [deviceId, provider] of frame.gone)
      this.remove({ deviceId, providerId: providers[provider] ?? '' });
  }

  /** Progress of the move: 0 at its start, 1 at and after its end. */
  progress(now: number): number {
    if (this.glideMs <= 0) return 1;
    return Math.min(1, Math.max(0, (now - this.glideStartedAt) / this.glideMs));
  }

  /**
   * Where the vehicles in `slots` are now: longitude and latitude pairs into `positions`, headings in degrees
   * clockwise from north into `headings` (NaN if unknown).
   */
  sample(
    slots: Uint32Array,
    now: number,
    into: { readonly positions: Float64Array; readonly headings: Float32Array },
  ): void {
    const progress = this.progress(now);
    const { positions, headings } = into;
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!;
      const fromLng = this.fromLng[slot]!;
      const fromLat = this.fromLat[slot]!;
      positions[2 * index] = fromLng + (this.toLng[slot]! - fromLng) * progress;
      positions[2 * index + 1] = fromLat + (this.toLat[slot]! - fromLat) * progress;
      headings[index] = this.fromHeading[slot]! + this.turn[slot]! * progress;
    }
  }

  slotOf({ deviceId, providerId }: VehicleRef): number | undefined {
    return this.slots.get(providerId)?.get(deviceId);
  }

  stateAt(slot: number): DrawnState {
    return this.states[slot]!;
  }

  contactAt(slot: number): Contact {
    return this.rows[slot]![6];
  }

  /** In percent; `null` if it is unknown. */
  batteryAt(slot: number): number | null {
    return this.rows[slot]![8] ?? null;
  }

  hasHeading(slot: number): boolean {
    return this.rows[slot]![3] !== null;
  }

  refAt(slot: number): VehicleRef {
    return this.refs[slot]!;
  }

  /** The position at the end of the move. */
  targetLngAt(slot: number): number {
    return this.toLng[slot]!;
  }

  targetLatAt(slot: number): number {
    return this.toLat[slot]!;
  }

  vehicleAt(slot: number): Vehicle {
    const [deviceId, lat, lng, heading, speed, , contact] = this.rows[slot]!;
    const { providerId } = this.refAt(slot);
    return { deviceId, providerId, lat, lng, heading, speed, state: this.stateAt(slot), contact };
  }

  vehicle(vehicle: VehicleRef): Vehicle | undefined {
    const slot = this.slotOf(vehicle);
    return slot === undefined ? undefined : this.vehicleAt(slot);
  }

  /** Starts the next move at the positions that are drawn now. */
  private settle(now: number): void {
    const progress = this.progress(now);
    for (let slot = 0; slot < this.size; slot++) {
      this.fromLng[slot]! += (this.toLng[slot]! - this.fromLng[slot]!) * progress;
      this.fromLat[slot]! += (this.toLat[slot]! - this.fromLat[slot]!) * progress;
      this.fromHeading[slot]! += this.turn[slot]! * progress;
      this.turn[slot]! *= 1 - progress;
    }
    this.glideStartedAt = now;
  }

  private put(row: VehicleRow, providerId: string): void {
    const [deviceId, lat, lng, heading, , state, contact] = row;
    if (contact === 'silent') {
      this.remove({ deviceId, providerId });
      return;
    }
    const known = this.slots.get(providerId)?.get(deviceId);
    const slot = known ?? this.append({ deviceId, providerId });
    this.rows[slot] = row;
    this.states[slot] = toDrawnState(state);
    this.toLng[slot] = lng;
    this.toLat[slot] = lat;
    if (known === undefined || this.isLeap(slot, { lng, lat })) {
      this.fromLng[slot] = lng;
      this.fromLat[slot] = lat;
    }
    this.turnTo(slot, heading, known === undefined);
  }

  private isLeap(slot: number, to: Place): boolean {
    const from = { lng: this.fromLng[slot]!, lat: this.fromLat[slot]! };
    const isSmall =
      Math.abs(to.lat - from.lat) < SMALL_MOVE_DEGREES && Math.abs(to.lng - from.lng) < SMALL_MOVE_DEGREES;
    return !isSmall && distanceMeters(from, to) > LEAP_METERS;
  }

  private turnTo(slot: number, heading: number | null, isNew: boolean): void {
    const from = this.fromHeading[slot]!;
    if (heading === null || isNew || Number.isNaN(from)) {
      this.fromHeading[slot] = heading ?? Number.NaN;
      this.turn[slot] = 0;
    } else {
      this.turn[slot] = shorterTurn(from, heading);
    }
  }

  private append(vehicle: VehicleRef): number {
    const slot = this.size;
    if (slot === this.fromLng.length) this.grow();
    this.setSlot(vehicle, slot);
    this.refs[slot] = vehicle;
    return slot;
  }

  private grow(): void {
    this.fromLng = doubled(this.fromLng);
    this.fromLat = doubled(this.fromLat);
    this.toLng = doubled(this.toLng);
    this.toLat = doubled(this.toLat);
    this.fromHeading = doubled(this.fromHeading);
    this.turn = doubled(this.turn);
  }

  private setSlot({ deviceId, providerId }: VehicleRef, slot: number): void {
    const slots = this.slots.get(providerId) ?? new Map<string, number>();
    this.slots.set(providerId, slots.set(deviceId, slot));
  }

  private remove(vehicle: VehicleRef): void {
    const slot = this.slotOf(vehicle);
    if (slot === undefined) return;
    const last = this.size - 1;
    for (const column of this.columns()) column[slot] = column[last]!;
    this.rows[slot] = this.rows[last]!;
    this.states[slot] = this.states[last]!;
    this.refs[slot] = this.refs[last]!;
    this.setSlot(this.refAt(slot), slot);
    this.slots.get(vehicle.providerId)?.delete(vehicle.deviceId);
    this.rows.pop();
    this.states.pop();
    this.refs.pop();
  }

  private keepOnly({ vehicles, providers }: Frame): void {
    const present = new Map<string, Set<string>>();
    for (const row of vehicles) {
      const providerId = providers[row[7]] ?? '';
      const ids = present.get(providerId) ?? new Set<string>();
      present.set(providerId, ids.add(row[0]));
    }
    for (const [providerId, slots] of this.slots) {
      for (const deviceId of [...slots.keys()]) {
        if (!present.get(providerId)?.has(deviceId)) this.remove({ deviceId, providerId });
      }
    }
  }

  private columns(): (Float64Array | Float32Array)[] {
    return [this.fromLng, this.fromLat, this.toLng, this.toLat, this.fromHeading, this.turn];
  }
}

/** Degrees from one heading to another, -180 to 180. */
export function shorterTurn(from: number, to: number): number {
  return ((((to - from) % 360) + 540) % 360) - 180;
}

function doubled<T extends Float64Array | Float32Array>(column: T): T {
  const larger = new (column.constructor as new (length: number) => T)(column.length * 2);
  larger.set(column);
  return larger;
}

/** A string that identifies a vehicle, for list keys. */
export function vehicleKey({ deviceId, providerId }: VehicleQuery): string {
  return `${providerId ?? ''} ${deviceId}`;
}

/** Whether both refer to the same vehicle; `null` equals only `null`. */
export function isSameVehicle(one: VehicleQuery | null, other: VehicleQuery | null): boolean {
  if (one === null || other === null) return one === other;
  return one.deviceId === other.deviceId && one.providerId === other.providerId;
}

/** Whether the provider is known; a device id alone may match several vehicles. */
export function isVehicleRef(vehicle: VehicleQuery | null): vehicle is VehicleRef {
  return vehicle !== null && vehicle.providerId !== null;
}
