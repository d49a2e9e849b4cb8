import type { VehicleQuery, VehicleRef } from '@hailstream/events/live';
import { type DrawnState, isOnMap, statesOnMap } from '../city-state/drawn-state.js';
import { type FleetFilter, isShown } from '../city-state/fleet-filter.js';
import { isVehicleRef, type Fleet } from '../city-state/fleet.js';
import { turnsWithHeading } from '../marks/marks.js';
import { type MarksAtlas, NUMBERS_PER_ICON } from '../marks/marks-atlas.js';

/** Opacity of a stale vehicle, out of 255. */
const STALE_ALPHA = 90;
const LIVE_ALPHA = 255;

/** Opacity factor of the other vehicles while one is selected, so that its trail stands out. */
const BESIDE_SELECTED = 0.35;

/** In place of the place of a state in the drawing order. */
const NOT_DRAWN = 255;

/** The marks to draw, as columns that deck.gl uploads as a whole. */
export interface MarkColumns {
  /** The fleet slot of each mark, in drawing order. */
  readonly slots: Uint32Array;
  /** The vehicle of each mark: after a vehicle is removed, its slot may belong to another one until the next layout. */
  readonly vehicles: readonly VehicleRef[];
  readonly positions: Float64Array;
  readonly headings: Float32Array;
  /** Rotation of each mark for deck.gl, in degrees counterclockwise. */
  readonly angles: Float32Array;
  /** What the colour of each mark means: the index of its state in `statesOnMap`, or of its provider's colour. */
  readonly kinds: Uint8Array;
  /** -1 if the mark rotates with the heading, 0 if not. */
  readonly turns: Int8Array;
  readonly icons: Float32Array;
  readonly colors: Uint8ClampedArray;
}

/** Lays out the drawn vehicles, once a tick. Positions and angles are filled in by sampling, once a frame. */
export function layOutMarks(
  fleet: Fleet,
  options: {
    filter: Pick<FleetFilter, 'hidden' | 'battery' | 'contact'>;
    selected: VehicleQuery | null;
    atlas: MarksAtlas;
    /** The index of a provider's colour; `null` if the colours mean states. */
    colorOf: ((providerId: string) => number) | null;
  },
): MarkColumns {
  const selected = isVehicleRef(options.selected) ? fleet.slotOf(options.selected) : undefined;
  const slots = drawnSlots(fleet, options.filter);
  const icons = new Float32Array(NUMBERS_PER_ICON * slots.length);
  const colors = new Uint8ClampedArray(4 * slots.length).fill(255);
  const kinds = new Uint8Array(slots.length);
  const turns = new Int8Array(slots.length);
  const vehicles: VehicleRef[] = [];
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index]!;
    const vehicle = fleet.refAt(slot);
    vehicles.push(vehicle);
    const state = fleet.stateAt(slot);
    if (!isOnMap(state)) continue;
    const color = options.colorOf?.(vehicle.providerId) ?? null;
    const icon = options.atlas.iconOf(state, fleet.hasHeading(slot), color ?? 0);
    // Faster than `set` for so few numbers.
    for (let at = 0; at < NUMBERS_PER_ICON; at++) icons[NUMBERS_PER_ICON * index + at] = icon[at]!;
    kinds[index] = color ?? statesOnMap.indexOf(state);
    turns[index] = turnsWithHeading(state) && fleet.hasHeading(slot) ? -1 : 0;
    const alpha = fleet.contactAt(slot) === 'stale' ? STALE_ALPHA : LIVE_ALPHA;
    colors[4 * index + 3] = slot === selected || selected === undefined ? alpha : alpha * BESIDE_SELECTED;
  }
  return {
    slots,
    vehicles,
    icons,
    colors,
    positions: new Float64Array(2 * slots.length),
    headings: new Float32Array(slots.length),
    angles: new Float32Array(slots.length),
    kinds,
    turns,
  };
}

/** Sets the positions and angles of the marks for `now`. */
export function placeMarks(fleet: Fleet, columns: MarkColumns, now: number): void {
  const { slots, headings, angles, turns } = columns;
  fleet.sample(slots, now, columns);
  for (let index = 0; index < slots.length; index++) {
    angles[index] = turns[index] === 0 ? 0 : -headings[index]!;
  }
}

/** The slots of vehicles that have a mark, in drawing order. */
function drawnSlots(fleet: Fleet, filter: Pick<FleetFilter, 'hidden' | 'battery' | 'contact'>): Uint32Array {
  const { hidden } = filter;
  const isFiltered = filter.battery !== null || filter.contact !== 'any';
  const orders = new Map<DrawnState, number>(statesOnMap.map((state, order) => [state, order]));
  for (const state of hidden) orders.delete(state);
  /** The place of each slot's state in the drawing order; `NOT_DRAWN` without one. */
  const orderOf = new Uint8Array(fleet.size).fill(NOT_DRAWN);
  const counts = new Uint32Array(statesOnMap.length);
  for (let slot = 0; slot < fleet.size; slot++) {
    const order = orders.get(fleet.stateAt(slot));
    if (order === undefined) continue;
    if (isFiltered && !isShown(filter, { battery: fleet.batteryAt(slot), contact: fleet.contactAt(slot) }))
      continue;
    orderOf[slot] = order;
    counts[order]!++;
  }
  let count = 0;
  const nextAt = counts.map((ofState) => (count += ofState) - ofState);
  const slots = new Uint32Array(count);
  for (let slot = 0; slot < fleet.size; slot++) {
    const order = orderOf[slot]!;
    if (order !== NOT_DRAWN) slots[nextAt[order]!++] = slot;
  }
  return slots;
}
