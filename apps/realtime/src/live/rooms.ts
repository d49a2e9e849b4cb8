import type { GoneRow, RequestRow, VehicleRow } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import { CellCounts } from './cell-counts.js';
import { cellAt, cellsOf, covers, type CellRange } from './grid.js';

/** A row that has a place: latitude and longitude follow the id. */
export type DrawnRow = VehicleRow | RequestRow;

/** The previous and the current row of a vehicle or request; `null` if it was or is not drawn. */
export type Change = { readonly providerId: string } & (
  | {
      readonly kind: 'vehicle';
      /** The number that stands for the vehicle in binary frames. */
      readonly number: number;
      readonly before: VehicleRow | null;
      readonly after: VehicleRow | null;
    }
  | { readonly kind: 'request'; readonly before: RequestRow | null; readonly after: RequestRow | null }
);

/** `numbers` are those of `vehicles`, in the same order. */
export interface RowsWithin {
  readonly vehicles: readonly VehicleRow[];
  readonly numbers: readonly number[];
  readonly requests: readonly RequestRow[];
}

/** What changed in a range of cells since an earlier tick. `goneNumbers` are those of `gone`, in the same order. */
export interface RowsSince extends RowsWithin {
  readonly gone: readonly GoneRow[];
  readonly goneNumbers: readonly number[];
  readonly requestsGone: readonly GoneRow[];
}

/** What the frames of a client are like. */
interface FrameOptions {
  /** Whether they are binary. */
  readonly binary: boolean;
  /** Whether they have counts per cell instead of vehicles while there are too many vehicles. */
  readonly counts: boolean;
}

/** Clients with the same provider filter, range of cells and options. They share the frames of the room. */
export interface Room {
  readonly key: string;
  /** The `view` of its frames, unless they have counts: see {@link viewOf}. */
  readonly view: string;
  readonly filter: ProviderFilter;
  readonly range: CellRange;
  readonly options: FrameOptions;
  members: number;
  /** Members that are sent frames: those that are not behind. */
  listeners: number;
  /** Changes since the last frame. */
  vehicles: VehicleRow[];
  /** Of each of `vehicles`: its number, and whether it was not in the room before. */
  numbers: number[];
  entered: boolean[];
  gone: GoneRow[];
  goneNumbers: number[];
  requests: RequestRow[];
  requestsGone: GoneRow[];
  /** All rows of the room as of the last tick; `null` until a client needs them. */
  snapshot: RowsWithin | null;
  /** The vehicles of the room per cell, if its clients ask for counts. */
  readonly counts: CellCounts | null;
  /** Whether its frames have counts instead of vehicles. */
  isCounted: boolean;
}

/** The rooms of one level of the grid, and the clients in them. */
interface LevelUse {
  readonly rooms: number;
  readonly clients: number;
}

/** Rooms of one provider filter on one level of the grid, by each of the cells they cover. */
type RoomsByCell = Map<number, Set<Room>>;

/**
 * Rooms, indexed by cell. Publishing a change costs one lookup per level in use, independent of the number of rooms that
 * do not cover it.
 */
export class Rooms {
  private readonly byKey = new Map<string, Room>();
  private readonly byFilter = new Map<ProviderFilter, Map<number, RoomsByCell>>();

  /** Adds a member to the room of a filter, a range and options, which is created if it does not exist. */
  enter(filter: ProviderFilter, range: CellRange, options: FrameOptions): Room {
    const view = describeView(filter, range, options);
    const key = `viewport:${view}`;
    let room = this.byKey.get(key);
    if (room === undefined) {
      room = {
        key,
        view,
        filter,
        range,
        options,
        members: 0,
        listeners: 0,
        vehicles: [],
        numbers: [],
        entered: [],
        gone: [],
        goneNumbers: [],
        requests: [],
        requestsGone: [],
        snapshot: null,
        counts: options.counts ? new CellCounts(range) : null,
        isCounted: false,
      };
      this.byKey.set(key, room);
      for (const cell of cellsOf(range)) this.roomsAt(filter, range.level, cell).add(room);
    }
    room.members += 1;
    return room;
  }

  /** Removes a member from a room; a room without members is deleted. */
  leave(room: Room): void {
    room.members -= 1;
    if (room.members > 0) return;
    this.byKey.delete(room.key);
    const levels = this.byFilter.get(room.filter);
    const byCell = levels?.get(room.range.level);
    for (const cell of cellsOf(room.range)) {
      const rooms = byCell?.get(cell);
      rooms?.delete(room);
      if (rooms?.size === 0) byCell?.delete(cell);
    }
    if (byCell?.size === 0) levels?.delete(room.range.level);
    if (levels?.size === 0) this.byFilter.delete(room.filter);
  }

  all(): Iterable<Room> {
    return this.byKey.values();
  }

  get size(): number {
    return this.byKey.size;
  }

  /** How many rooms and members each level of the grid has. */
  levels(): ReadonlyMap<number, LevelUse> {
    const levels = new Map<number, LevelUse>();
    for (const { range, members } of this.byKey.values()) {
      const use = levels.get(range.level) ?? { rooms: 0, clients: 0 };
      levels.set(range.level, { rooms: use.rooms + 1, clients: use.clients + members });
    }
    return levels;
  }

  /** Adds a change to the next frame of each room that covers it. */
  publish(change: Change): void {
    for (const filter of [null, change.providerId]) {
      for (const [level, byCell] of this.byFilter.get(filter) ?? []) publishOn(level, byCell, change);
    }
  }

  private roomsAt(filter: ProviderFilter, level: number, cell: number): Set<Room> {
    const levels = getOrAdd(this.byFilter, filter, () => new Map<number, RoomsByCell>());
    const byCell = getOrAdd(levels, level, (): RoomsByCell => new Map());
    return getOrAdd(byCell, cell, () => new Set<Room>());
  }
}

/** The `view` of the frames of a room. A state of vehicles cannot be continued with changes of cells. */
export function viewOf({ view, isCounted }: Room): string {
  return isCounted ? `${view}:cells` : view;
}

/** Called once they were sent. */
export function forgetChanges(room: Room): void {
  room.vehicles = [];
  room.numbers = [];
  room.entered = [];
  room.gone = [];
  room.goneNumbers = [];
  room.requests = [];
  room.requestsGone = [];
  room.counts?.takeChanged();
}

function publishOn(level: number, byCell: RoomsByCell, change: Change): void {
  const { before, after } = change;
  if (after !== null) {
    for (const room of byCell.get(cellAt(level, after[1], after[2])) ?? []) {
      if (change.kind === 'request') room.requests.push(change.after!);
      else putVehicle(room, change);
    }
  }
  if (before === null) return;
  for (const room of byCell.get(cellAt(level, before[1], before[2])) ?? []) {
    if (change.kind === 'vehicle') room.counts?.remove(change.before!);
    if (after !== null && covers(room.range, after[1], after[2])) continue;
    if (change.kind === 'request') {
      room.requestsGone.push([before[0], change.before![4]]);
    } else if (!room.isCounted) {
      room.gone.push([before[0], change.before![7]]);
      room.goneNumbers.push(change.number);
    }
  }
}

function putVehicle(room: Room, { number, before, after }: Change & { readonly kind: 'vehicle' }): void {
  room.counts?.add(after!);
  if (room.isCounted) return;
  room.vehicles.push(after!);
  room.numbers.push(number);
  room.entered.push(before === null || !covers(room.range, before[1], before[2]));
}

function describeView(filter: ProviderFilter, range: CellRange, { binary, counts }: FrameOptions): string {
  const { level, south, north, west, columns } = range;
  const content = `${binary ? ':binary' : ''}${counts ? ':counts' : ''}`;
  return `${filter ?? 'all'}:${level}:${south}-${north}:${west}+${columns}${content}`;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = make();
  map.set(key, created);
  return created;
}
