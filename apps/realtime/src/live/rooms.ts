import type { GoneRow, RequestRow, VehicleRow } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import { cellAt, cellsOf, covers, type CellRange } from './grid.js';

/** A row that has a place: latitude and longitude follow the id, and the provider is last. */
export type DrawnRow = VehicleRow | RequestRow;

/** The previous and the current row of a vehicle or request; `null` if it was or is not drawn. */
export type Change = { readonly providerId: string } & (
  | { readonly kind: 'vehicle'; readonly before: VehicleRow | null; readonly after: VehicleRow | null }
  | { readonly kind: 'request'; readonly before: RequestRow | null; readonly after: RequestRow | null }
);

/** Clients with the same provider filter and range of cells. They share the frames of the room. */
export interface Room {
  readonly key: string;
  /** The `view` of its frames. */
  readonly view: string;
  readonly filter: ProviderFilter;
  readonly range: CellRange;
  members: number;
  /** Members that are sent frames: those that are not behind. */
  listeners: number;
  /** Changes since the last frame. */
  vehicles: VehicleRow[];
  gone: GoneRow[];
  requests: RequestRow[];
  requestsGone: GoneRow[];
  /** All rows of the room as of the last tick; `null` until a client needs them. */
  snapshot: { readonly vehicles: readonly VehicleRow[]; readonly requests: readonly RequestRow[] } | null;
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

  /** Adds a member to the room of a filter and a range, which is created if it does not exist. */
  enter(filter: ProviderFilter, range: CellRange): Room {
    const view = viewOf(filter, range);
    const key = `viewport:${view}`;
    let room = this.byKey.get(key);
    if (room === undefined) {
      room = {
        key,
        view,
        filter,
        range,
        members: 0,
        listeners: 0,
        vehicles: [],
        gone: [],
        requests: [],
        requestsGone: [],
        snapshot: null,
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

function publishOn(level: number, byCell: RoomsByCell, change: Change): void {
  const { kind, before, after } = change;
  if (after !== null) {
    for (const room of byCell.get(cellAt(level, after[1], after[2])) ?? []) {
      if (kind === 'vehicle') room.vehicles.push(after);
      else room.requests.push(after);
    }
  }
  if (before === null) return;
  for (const room of byCell.get(cellAt(level, before[1], before[2])) ?? []) {
    if (after !== null && covers(room.range, after[1], after[2])) continue;
    if (kind === 'vehicle') room.gone.push([before[0], before[7]]);
    else room.requestsGone.push([before[0], before[4]]);
  }
}

function viewOf(filter: ProviderFilter, range: CellRange): string {
  const { level, south, north, west, columns } = range;
  return `${filter ?? 'all'}:${level}:${south}-${north}:${west}+${columns}`;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = make();
  map.set(key, created);
  return created;
}
