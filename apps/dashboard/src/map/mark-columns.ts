import type { VehicleQuery, VehicleRef } from '@hailstream/events/live';
import { type DrawnState, isOnMap, statesOnMap } from '../city-state/drawn-state.js';
import type { Fleet } from '../city-state/fleet.js';
import { isVehicleRef } from '../city-state/vehicle-ref.js';
import { turnsWithHeading } from '../marks/marks.js';
import { type MarksAtlas, NUMBERS_PER_ICON } from '../marks/marks-atlas.js';

/** Out of 255: how strongly a vehicle that was not heard of for a while is drawn. */
const STALE_ALPHA = 90;
const LIVE_ALPHA = 255;

/** What is left of all others while one is looked at, so that its trail can be. */
const BESIDE_SELECTED = 0.35;

/** The marks to draw, as the columns that deck.gl takes without looking at each of them. */
export interface MarkColumns {
  /** Which vehicle of the fleet each mark is; in the order in which they are drawn. */
  readonly slots: Uint32Array;
  /** The same by name: a slot is someone else's once the vehicle has left, which the next layout takes in. */
  readonly vehicles: readonly VehicleRef[];
  readonly positions: Float64Array;
  readonly headings: Float32Array;
  /** What deck.gl turns each mark by: counterclockwise degrees. */
  readonly angles: Float32Array;
  /** The state of each mark, as its place in `statesOnMap`. */
  readonly states: Uint8Array;
  /** -1 where the mark turns with the heading, 0 where it does not. */
  readonly turns: Int8Array;
  readonly icons: Float32Array;
  readonly colors: Uint8ClampedArray;
}

/** Lays out the vehicles that are drawn; positions and angles are left to be sampled. Once a tick, not once a frame. */
export function layOutMarks(
  fleet: Fleet,
  options: { hidden: ReadonlySet<DrawnState>; selected: VehicleQuery | null; atlas: MarksAtlas },
): MarkColumns {
  const selected = isVehicleRef(options.selected) ? fleet.slotOf(options.selected) : undefined;
  const slots = drawnSlots(fleet, options.hidden);
  const icons = new Float32Array(NUMBERS_PER_ICON * slots.length);
  const colors = new Uint8ClampedArray(4 * slots.length).fill(255);
  const states = new Uint8Array(slots.length);
  const turns = new Int8Array(slots.length);
  slots.forEach((slot, index) => {
    const state = fleet.stateAt(slot);
    if (!isOnMap(state)) return;
    icons.set(options.atlas.iconOf(state, fleet.hasHeading(slot)), NUMBERS_PER_ICON * index);
    states[index] = statesOnMap.indexOf(state);
    turns[index] = turnsWithHeading(state) && fleet.hasHeading(slot) ? -1 : 0;
    const alpha = fleet.contactAt(slot) === 'stale' ? STALE_ALPHA : LIVE_ALPHA;
    colors[4 * index + 3] = slot === selected || selected === undefined ? alpha : alpha * BESIDE_SELECTED;
  });
  return {
    slots,
    vehicles: Array.from(slots, (slot) => fleet.refAt(slot)),
    icons,
    colors,
    positions: new Float64Array(2 * slots.length),
    headings: new Float32Array(slots.length),
    angles: new Float32Array(slots.length),
    states,
    turns,
  };
}

/** Puts the marks where their vehicles are at `now`. */
export function placeMarks(fleet: Fleet, columns: MarkColumns, now: number): void {
  const { slots, headings, angles, turns } = columns;
  fleet.sample(slots, now, columns);
  for (let index = 0; index < slots.length; index++) {
    angles[index] = turns[index] === 0 ? 0 : -headings[index]!;
  }
}

/** The slots of vehicles that have a mark, those drawn first first. */
function drawnSlots(fleet: Fleet, hidden: ReadonlySet<DrawnState>): Uint32Array {
  const byState = new Map<DrawnState, number[]>(
    statesOnMap.filter((state) => !hidden.has(state)).map((state) => [state, []]),
  );
  for (let slot = 0; slot < fleet.size; slot++) byState.get(fleet.stateAt(slot))?.push(slot);
  return Uint32Array.from([...byState.values()].flat());
}
