import assert from 'node:assert';
import { randomInt } from 'node:crypto';
import type {
  CellRow,
  LiveFrame,
  ServerToClient,
  StatusMessage,
  VehicleQuery,
  VehicleRef,
  ViewportRequest,
} from '@hailstream/events/live';
import { encodeLiveFrame } from '@hailstream/events/live-binary';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import type { TickReport } from '../metrics/realtime-metrics.service.js';
import { frame, ProviderNumbers, type FrameContent } from '../views/frame.js';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { cover } from './grid.js';
import { Publication } from './publication.js';
import { Rooms, type Room, type RowsWithin } from './rooms.js';

/** A client with more unwritten bytes than this is behind: it is sent no frames until it has drained. */
export const MAX_BACKLOG_BYTES = 1_048_576;

/** A client that is behind has drained once its unwritten bytes are at most this. */
const DRAINED_BACKLOG_BYTES = 65_536;

/** A viewport that follows another within this time is applied at the next tick; of several, the last one is. */
export const VIEWPORT_INTERVAL_MS = 100;

/**
 * A client that asks for counts is sent counts per cell while its viewport has more than `above` vehicles, and vehicles again
 * once it has at most `upTo`, so that it does not switch all the time.
 */
export interface CountLimits {
  readonly above: number;
  readonly upTo: number;
}

const COUNT_LIMITS: CountLimits = { above: 12_000, upTo: 10_000 };

type Message = keyof ServerToClient;
type Payload<M extends Message> = Parameters<ServerToClient[M]>[0];

/** One connected client. */
export interface Client {
  send<M extends Message>(message: M, payload: Payload<M>): void;
  /** Subscribes the client to the messages of a room. */
  join(room: string): void;
  leave(room: string): void;
  /** Bytes that were sent and are not yet written to the network. */
  backlogBytes(): number;
}

/** Sends a message to all clients in a room; it is encoded once. */
export type SendToRoom = <M extends Message>(room: string, message: M, payload: Payload<M>) => void;

interface Session {
  readonly filter: ProviderFilter;
  /** Whether the client is sent binary frames. */
  readonly binary: boolean;
  room: Room | null;
  /** Whether it is subscribed to its room: not while it is behind. */
  isListening: boolean;
  /** The viewport to apply at the next tick. */
  nextViewport: ViewportRequest | null;
  viewportAt: number;
  isBehind: boolean;
  watched: VehicleRef | null;
  /** Device id of a vehicle that is to be watched and has not sent an event yet; its provider is not known. */
  sought: string | null;
}

/** Sends every client what changes in its viewport: one frame per tick, none while the client is behind. */
export class Broadcaster {
  private readonly rooms = new Rooms();
  private numbers = new ProviderNumbers();
  private publication: Publication;
  private readonly sessions = new Map<Client, Session>();
  private status: StatusMessage | null = null;
  private generation: number;
  private epoch = newEpoch();
  /** Of the last tick. */
  private sequence = 0;

  constructor(
    private readonly city: CityState,
    private readonly sendToRoom: SendToRoom,
    private readonly tickMs: number,
    private readonly limits = COUNT_LIMITS,
  ) {
    this.publication = new Publication(city, this.numbers);
    this.generation = city.generation;
  }

  connect(client: Client, filter: ProviderFilter, { binary }: { binary: boolean }): void {
    this.sessions.set(client, {
      filter,
      binary,
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

  /** Sends every client the state of the service. */
  announce(status: StatusMessage): void {
    this.status = status;
    for (const [client, session] of this.sessions) {
      if (!this.updateBacklog(client, session)) client.send('status', status);
    }
  }

  disconnect(client: Client): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    this.leaveRoom(client, session);
    this.sessions.delete(client);
  }

  /** Answers with a snapshot: at once, or at the next tick if the last viewport is too recent or there is nothing to show yet. */
  viewport(client: Client, viewport: ViewportRequest, now: number): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    const { filter } = session;
    if (filter !== null && viewport.providerId !== undefined && viewport.providerId !== filter) {
      client.send('refused', {
        message: 'viewport',
        code: 'FORBIDDEN',
        reason: `the token is limited to the provider ${filter}`,
      });
      return;
    }
    const isTooSoon = now - session.viewportAt < VIEWPORT_INTERVAL_MS;
    if (isTooSoon || !this.isCityReady || this.updateBacklog(client, session)) {
      session.nextViewport = viewport;
    } else {
      this.show(client, session, viewport, now);
    }
  }

  watch(client: Client, query: VehicleQuery | null, now: number): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    if (session.watched !== null && !this.updateBacklog(client, session))
      client.leave(watchRoom(session.watched));
    session.watched = null;
    session.sought = null;
    if (query === null) return;
    const { deviceId, providerId } = query;
    if (providerId === null) {
      session.sought = deviceId;
      this.find(client, session, now);
    } else if (session.filter === null || session.filter === providerId) {
      this.follow(client, session, { deviceId, providerId }, now);
    }
  }

  /** Sends what changed since the last tick. The city must have been advanced to `now`. */
  tick(now: number): TickReport {
    if (this.city.generation !== this.generation) this.startOver();
    this.sequence += 1;
    const { changes, changed } = this.publication.publishChanges(now);
    for (const change of changes) this.rooms.publish(change);
    let framesSent = 0;
    let backlogBytesMax = 0;
    for (const [client, session] of this.sessions) {
      const bytes = client.backlogBytes();
      this.updateBacklog(client, session, bytes);
      backlogBytesMax = Math.max(backlogBytesMax, bytes);
    }
    for (const room of this.rooms.all()) {
      room.snapshot = null;
      const isSwitched = updateCounting(room, this.limits);
      if (room.listeners > 0) {
        const message = isSwitched ? this.snapshot(room, now) : this.changes(room, now);
        deliver(message, (...sent) => this.sendToRoom(room.key, ...sent));
        framesSent += room.listeners;
      }
      forgetChanges(room);
    }
    this.sendDetails(new Set(changed), now);
    for (const [client, session] of this.sessions) {
      if (session.sought !== null) this.find(client, session, now);
    }
    const framesSkipped = this.serveClients(now);
    return { framesSent, framesSkipped, backlogBytesMax };
  }

  /** Whether the city is complete: until its first tick, it may be rebuilding. */
  private get isCityReady(): boolean {
    return this.city.summary(null) !== null;
  }

  get roomCount(): number {
    return this.rooms.size;
  }

  /** Looks for a vehicle by its device id alone. Once found, it stays the watched one even if another provider uses the id. */
  private find(client: Client, session: Session, now: number): void {
    if (!this.isCityReady) return;
    const found = this.city.vehiclesWithId(session.sought ?? '', session.filter);
    const [vehicle] = found;
    if (vehicle === undefined) return;
    session.sought = null;
    if (found.length === 1) {
      this.follow(client, session, { deviceId: vehicle.deviceId, providerId: vehicle.providerId }, now);
    } else {
      client.send('refused', {
        message: 'watch',
        code: 'AMBIGUOUS',
        reason: `${found.length} providers have a vehicle ${vehicle.deviceId}: name one of ${found.map(({ providerId }) => providerId).join(', ')}`,
      });
    }
  }

  private follow(client: Client, session: Session, vehicle: VehicleRef, now: number): void {
    session.watched = vehicle;
    if (this.updateBacklog(client, session)) return;
    client.join(watchRoom(vehicle));
    this.sendDetail(client, session, now);
  }

  /** The city was cleared: every client starts from a new snapshot. */
  private startOver(): void {
    this.generation = this.city.generation;
    this.epoch = newEpoch();
    this.sequence = 0;
    this.numbers = new ProviderNumbers();
    this.publication = new Publication(this.city, this.numbers);
    for (const [client, session] of this.sessions) {
      if (!session.isBehind) this.setBehind(client, session);
    }
  }

  /** Resumes clients that have drained and applies new viewports. Returns the number of clients that are behind. */
  private serveClients(now: number): number {
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

  private show(client: Client, session: Session, viewport: ViewportRequest, now: number): void {
    // Entered before the old one is left, so that the room is kept if both are the same.
    const filter = viewport.providerId ?? session.filter;
    const options = { binary: session.binary, counts: viewport.counts ?? false };
    const room = this.rooms.enter(filter, cover(viewport), options);
    if (room.members === 1) this.countVehicles(room);
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

  /** Returns whether a client is behind; one that has just fallen behind is unsubscribed from its rooms. */
  private updateBacklog(client: Client, session: Session, bytes = client.backlogBytes()): boolean {
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
    deliver(this.snapshot(room, now), (...sent) => client.send(...sent));
  }

  private countVehicles(room: Room): void {
    if (room.counts === null) return;
    for (const row of this.rowsOf(room).vehicles) room.counts.add(row);
    updateCounting(room, this.limits);
    room.counts.takeChanged();
  }

  private rowsOf(room: Room): RowsWithin {
    room.snapshot ??= this.publication.within(room.filter, room.range);
    return room.snapshot;
  }

  /** The whole content of a room as of the last tick. */
  private snapshot(room: Room, now: number): FrameMessage {
    const { vehicles, numbers, requests } = this.rowsOf(room);
    const others = { gone: [], goneNumbers: [], requests, requestsGone: [] };
    const rows = room.isCounted
      ? { vehicles: [], numbers: [], cells: room.counts?.all() ?? [], ...others }
      : { vehicles, numbers, ...others };
    return this.message(room, rows, { now, whole: true });
  }

  /** What has changed since the last tick. */
  private changes(room: Room, now: number): FrameMessage {
    const cells = room.counts?.takeChanged() ?? [];
    return this.message(room, room.isCounted ? { ...room, cells } : room, { now, whole: false });
  }

  private sendDetails(changed: ReadonlySet<Vehicle>, now: number): void {
    const sent = new Set<string>();
    for (const { watched, isBehind } of this.sessions.values()) {
      if (watched === null || isBehind) continue;
      const room = watchRoom(watched);
      const vehicle = sent.has(room) ? null : this.city.vehicle(watched);
      sent.add(room);
      if (vehicle !== null && changed.has(vehicle)) {
        this.sendToRoom(room, 'vehicle', vehicleDetail(this.city, vehicle, now));
      }
    }
  }

  private sendDetail(client: Client, session: Session, now: number): void {
    if (!this.isCityReady || session.watched === null) return;
    const vehicle = this.city.vehicle(session.watched);
    if (vehicle !== null) client.send('vehicle', vehicleDetail(this.city, vehicle, now));
  }

  /** @throws AssertionError if the city was not advanced since it was cleared */
  private message(room: Room, rows: Rows, { now, whole }: { now: number; whole: boolean }): FrameMessage {
    const summary = this.city.summary(room.filter);
    assert.ok(summary !== null, 'a frame needs a city that was advanced');
    const { vehicles, gone, requests, requestsGone, cells } = rows;
    const { tickMs, numbers, epoch, sequence } = this;
    const { figures } = summary;
    const content = { asOf: now, tickMs, vehicles, gone, requests, requestsGone, figures };
    // A state of vehicles cannot be continued with changes of cells.
    const view = room.isCounted ? `${room.view}:cells` : room.view;
    const live = { epoch, sequence, view, ...frame(content, numbers), ...(cells !== undefined && { cells }) };
    if (!room.options.binary) return [whole ? 'snapshot' : 'frame', live];
    const { entered } = room;
    const vehicleNumbers = { vehicles: rows.numbers, gone: rows.goneNumbers };
    const isIntroduced = (index: number): boolean => entered[index] === true;
    return ['binary', encodeLiveFrame(live, { ...vehicleNumbers, isIntroduced }, { whole })];
  }
}

type FrameMessage =
  [message: 'snapshot' | 'frame', payload: LiveFrame] | [message: 'binary', payload: Uint8Array];

function deliver(
  [message, payload]: FrameMessage,
  send: <M extends 'snapshot' | 'frame' | 'binary'>(message: M, payload: Payload<M>) => void,
): void {
  if (payload instanceof Uint8Array) send('binary', payload);
  else if (message !== 'binary') send(message, payload);
}

type Rows = Pick<FrameContent, 'vehicles' | 'gone' | 'requests' | 'requestsGone'> & {
  readonly numbers: readonly number[];
  readonly goneNumbers: readonly number[];
  readonly cells?: readonly CellRow[];
};

/** Decides whether a room is counted. Returns whether that has changed. */
function updateCounting(room: Room, { above, upTo }: CountLimits): boolean {
  const total = room.counts?.total ?? 0;
  const isCounted = total > (room.isCounted ? upTo : above);
  if (isCounted === room.isCounted) return false;
  room.isCounted = isCounted;
  return true;
}

function forgetChanges(room: Room): void {
  room.vehicles = [];
  room.numbers = [];
  room.entered = [];
  room.gone = [];
  room.goneNumbers = [];
  room.requests = [];
  room.requestsGone = [];
  room.counts?.takeChanged();
}

function newEpoch(): number {
  return randomInt(2 ** 48 - 1);
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

/** All clients that may watch a vehicle are sent the same detail. */
function watchRoom({ deviceId, providerId }: VehicleRef): string {
  return `watch:${providerId}:${deviceId}`;
}
