import type { GoneRow, VehicleRow } from '@hailstream/events/live';
import type { Scope } from '../fold/city-state.js';
import { cellAt, cellsOf, covers, type CellRange } from './grid.js';

/** A vehicle as it was drawn and as it is now; `null` where it is not drawn. */
export interface Change {
  readonly providerId: string;
  readonly before: VehicleRow | null;
  readonly after: VehicleRow | null;
}

/** Clients that see the same: one scope, one range of cells. What changes there is gathered for one frame. */
export interface Room {
  readonly key: string;
  readonly scope: Scope;
  readonly range: CellRange;
  /** Clients in it, and those of them that frames are sent to now. */
  members: number;
  listeners: number;
  /** Since the last frame. */
  vehicles: VehicleRow[];
  gone: GoneRow[];
  /** All that is drawn here as of the last tick, once somebody needed it. */
  snapshot: readonly VehicleRow[] | null;
}

/** Rooms of one scope on one level of the grid, by each of the cells they cover. */
type RoomsByCell = Map<number, Set<Room>>;

/**
 * The rooms there are, found by place: a change costs one look-up for each level in use, whatever the number of rooms
 * that do not see it.
 */
export class Rooms {
  private readonly byKey = new Map<string, Room>();
  private readonly byScope = new Map<Scope, Map<number, RoomsByCell>>();

  /** The room for a scope and a range, made where it is not there, with one more member. */
  enter(scope: Scope, range: CellRange): Room {
    const key = roomKey(scope, range);
    let room = this.byKey.get(key);
    if (room === undefined) {
      room = { key, scope, range, members: 0, listeners: 0, vehicles: [], gone: [], snapshot: null };
      this.byKey.set(key, room);
      for (const cell of cellsOf(range)) this.roomsAt(scope, range.level, cell).add(room);
    }
    room.members += 1;
    return room;
  }

  /** One member less; a room that nobody is in is no more. */
  leave(room: Room): void {
    room.members -= 1;
    if (room.members > 0) return;
    this.byKey.delete(room.key);
    const levels = this.byScope.get(room.scope);
    const byCell = levels?.get(room.range.level);
    for (const cell of cellsOf(room.range)) {
      const rooms = byCell?.get(cell);
      rooms?.delete(room);
      if (rooms?.size === 0) byCell?.delete(cell);
    }
    if (byCell?.size === 0) levels?.delete(room.range.level);
    if (levels?.size === 0) this.byScope.delete(room.scope);
  }

  all(): Iterable<Room> {
    return this.byKey.values();
  }

  get size(): number {
    return this.byKey.size;
  }

  /** Gives a change to the rooms that see it. */
  publish(change: Change): void {
    for (const scope of [null, change.providerId]) {
      for (const [level, byCell] of this.byScope.get(scope) ?? []) publishOn(level, byCell, change);
    }
  }

  private roomsAt(scope: Scope, level: number, cell: number): Set<Room> {
    const levels = getOrMake(this.byScope, scope, () => new Map<number, RoomsByCell>());
    const byCell = getOrMake(levels, level, (): RoomsByCell => new Map());
    return getOrMake(byCell, cell, () => new Set<Room>());
  }
}

function publishOn(level: number, byCell: RoomsByCell, { before, after }: Change): void {
  if (after !== null) {
    for (const room of byCell.get(cellAt(level, after[1], after[2])) ?? []) room.vehicles.push(after);
  }
  if (before === null) return;
  for (const room of byCell.get(cellAt(level, before[1], before[2])) ?? []) {
    if (after === null || !covers(room.range, after[1], after[2])) room.gone.push([before[0], before[7]]);
  }
}

function roomKey(scope: Scope, range: CellRange): string {
  const { level, south, north, west, columns } = range;
  return `viewport:${scope ?? 'all'}:${level}:${south}-${north}:${west}+${columns}`;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
