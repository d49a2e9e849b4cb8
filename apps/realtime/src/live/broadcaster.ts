import type {
  Figures,
  Frame,
  GoneRow,
  ServerToClient,
  StatusMessage,
  VehicleQuery,
  VehicleRef,
  VehicleRow,
  Viewport,
} from '@hailstream/events/live';
import type { CityState, Scope } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { cover } from './grid.js';
import { Publication } from './publication.js';
import { Rooms, type Room } from './rooms.js';

/** A client with more than this waiting to be written is behind: it gets no frames until it has drained. */
export const MAX_BACKLOG_BYTES = 1_048_576;

/** A client that is behind has drained when no more than this is waiting. */
export const DRAINED_BACKLOG_BYTES = 65_536;

/** A viewport that comes sooner than this after another waits for the next tick; of several, the last one counts. */
export const VIEWPORT_INTERVAL_MS = 100;

type Message = keyof ServerToClient;
type Payload<M extends Message> = Parameters<ServerToClient[M]>[0];

/** One client, however it is connected. */
export interface Client {
  send<M extends Message>(message: M, payload: Payload<M>): void;
  /** From now on what is sent to that room is sent to this client. */
  join(room: string): void;
  leave(room: string): void;
  /** Bytes that were sent and are not written yet. */
  backlogBytes(): number;
}

/** Sends to all clients that joined a room; what is sent is encoded once. */
export type SendToRoom = <M extends Message>(room: string, message: M, payload: Payload<M>) => void;

/** What a tick did. */
export interface TickReport {
  /** Frames sent, each client's counted. */
  readonly framesSent: number;
  /** Frames not sent to clients that are behind. */
  readonly framesSkipped: number;
  /** Most bytes that wait to be written to one client. */
  readonly backlogBytesMax: number;
}

interface Session {
  readonly scope: Scope;
  room: Room | null;
  /** Whether frames of the room are sent to it: not to one that is behind. */
  isListening: boolean;
  /** To be shown at the next tick. */
  nextViewport: Viewport | null;
  viewportAt: number;
  isBehind: boolean;
  watched: VehicleRef | null;
  /** Asked for by its device id alone, and not heard of yet. */
  sought: string | null;
}

/** Tells every client what changes in what it looks at: one frame a tick, and no frames to those that can't keep up. */
export class Broadcaster {
  private readonly rooms = new Rooms();
  private publication: Publication;
  private readonly sessions = new Map<Client, Session>();
  private figuresOf: ((scope: Scope) => Figures) | null = null;
  private status: StatusMessage | null = null;
  private generation: number;

  constructor(
    private readonly city: CityState,
    private readonly sendToRoom: SendToRoom,
    private readonly tickMs: number,
  ) {
    this.publication = new Publication(city);
    this.generation = city.generation;
  }

  connect(client: Client, scope: Scope): void {
    this.sessions.set(client, {
      scope,
      room: null,
      isListening: false,
      nextViewport: null,
      viewportAt: Number.NEGATIVE_INFINITY,
      isBehind: false,
      watched: null,
      sought: null,
    });
    if (this.status !== null) client.send('status', this.status);
  }

  /** Tells every client how the service stands towards the log. */
  announce(status: StatusMessage): void {
    this.status = status;
    for (const [client, session] of this.sessions) {
      if (!this.checkBacklog(client, session)) client.send('status', status);
    }
  }

  disconnect(client: Client): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    this.leaveRoom(client, session);
    this.sessions.delete(client);
  }

  /** Answers with a snapshot: at once, or with the next tick where the last one is too near or there was none yet. */
  viewport(client: Client, viewport: Viewport, now: number): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    const isTooSoon = now - session.viewportAt < VIEWPORT_INTERVAL_MS;
    if (isTooSoon || this.figuresOf === null || this.checkBacklog(client, session)) {
      session.nextViewport = viewport;
    } else {
      this.show(client, session, viewport, now);
    }
  }

  watch(client: Client, query: VehicleQuery | null, now: number): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    if (session.watched !== null && !this.checkBacklog(client, session))
      client.leave(watchRoom(session.watched));
    session.watched = null;
    session.sought = null;
    if (query === null) return;
    const { deviceId, providerId } = query;
    if (providerId === null) {
      session.sought = deviceId;
      this.find(client, session, now);
    } else if (session.scope === null || session.scope === providerId) {
      this.follow(client, session, { deviceId, providerId }, now);
    }
  }

  /** Sends what has changed since the last tick. */
  tick(now: number): TickReport {
    if (this.city.generation !== this.generation) this.startOver();
    const figuresOf = this.city.survey(now);
    this.figuresOf = figuresOf;
    const { changes, touched } = this.publication.advance(now);
    for (const change of changes) this.rooms.publish(change);
    let framesSent = 0;
    let backlogBytesMax = 0;
    for (const [client, session] of this.sessions) {
      const bytes = client.backlogBytes();
      this.checkBacklog(client, session, bytes);
      backlogBytesMax = Math.max(backlogBytesMax, bytes);
    }
    for (const room of this.rooms.all()) {
      if (room.listeners > 0) {
        const { vehicles, gone } = room;
        this.sendToRoom(
          room.key,
          'frame',
          this.frame({ vehicles, gone, figures: figuresOf(room.scope), now }),
        );
        framesSent += room.listeners;
      }
      room.vehicles = [];
      room.gone = [];
      room.snapshot = null;
    }
    this.sendDetails(new Set(touched), now);
    for (const [client, session] of this.sessions) {
      if (session.sought !== null) this.find(client, session, now);
    }
    const framesSkipped = this.attend(now);
    return { framesSent, framesSkipped, backlogBytesMax };
  }

  get roomCount(): number {
    return this.rooms.size;
  }

  /** Looks for a vehicle by its device id alone. Once found it stays the same one, whoever else uses that id later. */
  private find(client: Client, session: Session, now: number): void {
    const found = this.city.vehiclesWithId(session.sought ?? '', session.scope);
    const [vehicle] = found;
    if (vehicle === undefined) return;
    session.sought = null;
    if (found.length === 1) {
      this.follow(client, session, { deviceId: vehicle.deviceId, providerId: vehicle.providerId }, now);
    } else {
      client.send('refused', {
        message: 'watch',
        reason: `${found.length} providers have a vehicle ${vehicle.deviceId}: name one of ${found.map(({ providerId }) => providerId).join(', ')}`,
      });
    }
  }

  private follow(client: Client, session: Session, vehicle: VehicleRef, now: number): void {
    session.watched = vehicle;
    if (this.checkBacklog(client, session)) return;
    client.join(watchRoom(vehicle));
    this.sendDetail(client, session, now);
  }

  /** Nothing that clients were told is true any more: all of them start from a new snapshot. */
  private startOver(): void {
    this.generation = this.city.generation;
    this.publication = new Publication(this.city);
    for (const [client, session] of this.sessions) {
      if (!session.isBehind) this.setBehind(client, session);
    }
  }

  /** Brings back those that have drained, and shows those who moved on what they look at now. Says how many are behind. */
  private attend(now: number): number {
    let behind = 0;
    for (const [client, session] of this.sessions) {
      const viewport = session.nextViewport;
      if (session.isBehind) {
        if (client.backlogBytes() > DRAINED_BACKLOG_BYTES) behind += 1;
        else this.catchUp(client, session, now);
      } else if (viewport !== null) {
        this.show(client, session, viewport, now);
      }
    }
    return behind;
  }

  private catchUp(client: Client, session: Session, now: number): void {
    session.isBehind = false;
    if (this.status !== null) client.send('status', this.status);
    if (session.watched !== null) {
      client.join(watchRoom(session.watched));
      this.sendDetail(client, session, now);
    }
    if (session.nextViewport !== null) {
      this.show(client, session, session.nextViewport, now);
    } else if (session.room !== null) {
      listen(client, session);
      this.sendSnapshot(client, session.room, now);
    }
  }

  private show(client: Client, session: Session, viewport: Viewport, now: number): void {
    // Entered before the old one is left: where both are the same, it lives on.
    const room = this.rooms.enter(session.scope, cover(viewport));
    this.leaveRoom(client, session);
    session.room = room;
    session.nextViewport = null;
    session.viewportAt = now;
    listen(client, session);
    this.sendSnapshot(client, room, now);
  }

  private leaveRoom(client: Client, session: Session): void {
    if (session.room === null) return;
    unlisten(client, session);
    this.rooms.leave(session.room);
    session.room = null;
  }

  /** Says whether a client is behind, and takes it out of what is sent to where it has just fallen behind. */
  private checkBacklog(client: Client, session: Session, bytes = client.backlogBytes()): boolean {
    if (session.isBehind || bytes <= MAX_BACKLOG_BYTES) return session.isBehind;
    this.setBehind(client, session);
    return true;
  }

  private setBehind(client: Client, session: Session): void {
    session.isBehind = true;
    unlisten(client, session);
    if (session.watched !== null) client.leave(watchRoom(session.watched));
  }

  private sendSnapshot(client: Client, room: Room, now: number): void {
    if (this.figuresOf === null) return;
    room.snapshot ??= this.publication.within(room.scope, room.range);
    const figures = this.figuresOf(room.scope);
    client.send('snapshot', this.frame({ vehicles: room.snapshot, gone: [], figures, now }));
  }

  private sendDetails(touched: ReadonlySet<Vehicle>, now: number): void {
    const sent = new Set<string>();
    for (const { watched, isBehind } of this.sessions.values()) {
      if (watched === null || isBehind) continue;
      const room = watchRoom(watched);
      const vehicle = sent.has(room) ? null : this.city.vehicle(watched);
      sent.add(room);
      if (vehicle !== null && touched.has(vehicle)) {
        this.sendToRoom(room, 'vehicle', this.city.detail(vehicle, now));
      }
    }
  }

  private sendDetail(client: Client, session: Session, now: number): void {
    const vehicle = session.watched === null ? null : this.city.vehicle(session.watched);
    if (vehicle !== null) client.send('vehicle', this.city.detail(vehicle, now));
  }

  private frame(content: {
    vehicles: readonly VehicleRow[];
    gone: readonly GoneRow[];
    figures: Figures;
    now: number;
  }): Frame {
    const { vehicles, gone, figures, now } = content;
    const providers = this.providersOf(vehicles, gone);
    return { asOf: now, tickMs: this.tickMs, providers, vehicles, gone, figures };
  }

  /** The providers that rows of a frame name. */
  private providersOf(vehicles: readonly VehicleRow[], gone: readonly GoneRow[]): Record<number, string> {
    const providers: Record<number, string> = {};
    for (const row of vehicles) providers[row[7]] ??= this.city.providerId(row[7]);
    for (const row of gone) providers[row[1]] ??= this.city.providerId(row[1]);
    return providers;
  }
}

function listen(client: Client, session: Session): void {
  if (session.room === null || session.isListening) return;
  client.join(session.room.key);
  session.room.listeners += 1;
  session.isListening = true;
}

function unlisten(client: Client, session: Session): void {
  if (session.room === null || !session.isListening) return;
  client.leave(session.room.key);
  session.room.listeners -= 1;
  session.isListening = false;
}

/** Whoever may watch a vehicle is told the same. */
function watchRoom({ deviceId, providerId }: VehicleRef): string {
  return `watch:${providerId}:${deviceId}`;
}
