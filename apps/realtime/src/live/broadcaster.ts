import assert from 'node:assert';
import { randomInt } from 'node:crypto';
import type {
  ResumePoint,
  StatusMessage,
  VehicleQuery,
  VehicleRef,
  ViewportRequest,
} from '@hailstream/events/live';
import { encodeLiveFrame } from '@hailstream/events/live-binary';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import type { LiveLimits } from '../limits/live-limits.js';
import type { TickReport } from '../metrics/realtime-metrics.service.js';
import { frame, ProviderNumbers } from '../views/frame.js';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { Answers } from './answers.js';
import type { Client, SendToRoom } from './client.js';
import { deliver, type FrameMessage, type FrameRows } from './frame-message.js';
import { cover } from './grid.js';
import { Publication } from './publication.js';
import { Rooms, viewOf, type Room, type RowsWithin } from './rooms.js';
import { listen, newSession, unlisten, type Session } from './session.js';
import { Turnstile } from './turnstile.js';

/** A client with more unwritten bytes than this is behind: it is sent no frames until it has drained. */
export const MAX_BACKLOG_BYTES = 1_048_576;

/** A client that is behind has drained once its unwritten bytes are at most this. */
const DRAINED_BACKLOG_BYTES = 65_536;

/** A viewport that follows another within this time is applied at the next tick; of several, the last one is. */
export const VIEWPORT_INTERVAL_MS = 100;

/** If more clients wait for an answer, the others ask again at the next tick. */
const MAX_WAITING = 10_000;

/**
 * A client that asks for counts is sent counts per cell while its viewport has more than `above` vehicles, and vehicles again
 * once it has at most `upTo`, so that it does not switch all the time.
 */
export interface CountLimits {
  readonly above: number;
  readonly upTo: number;
}

const COUNT_LIMITS: CountLimits = { above: 12_000, upTo: 10_000 };

interface BroadcastOptions {
  readonly limits: Pick<LiveLimits, 'snapshotsPerTick' | 'resumeDepartures'>;
  readonly counts?: CountLimits | undefined;
}

/** Sends every client what changes in its viewport: one frame per tick, none while the client is behind. */
export class Broadcaster {
  private readonly rooms = new Rooms();
  private readonly limits: BroadcastOptions['limits'];
  private readonly counts: CountLimits;
  private numbers = new ProviderNumbers();
  private publication: Publication;
  private readonly sessions = new Map<Client, Session>();
  private status: StatusMessage | null = null;
  private generation: number;
  private epoch = newEpoch();
  /** The clock of the current call. */
  private now = Number.NEGATIVE_INFINITY;
  /** Bounds the answers per tick. */
  private readonly admission: Turnstile;
  private readonly answers: Answers;

  constructor(
    private readonly city: CityState,
    private readonly sendToRoom: SendToRoom,
    private readonly tickMs: number,
    { limits, counts = COUNT_LIMITS }: BroadcastOptions,
  ) {
    this.limits = limits;
    this.counts = counts;
    this.admission = new Turnstile({
      perTick: limits.snapshotsPerTick,
      maxWaiting: MAX_WAITING,
    });
    this.answers = new Answers(
      {
        snapshot: (room) => this.snapshot(room),
        changesSince: (room, sequence) => this.changesSince(room, sequence),
      },
      sendToRoom,
    );
    this.publication = new Publication(city, this.numbers, limits.resumeDepartures);
    this.generation = city.generation;
  }

  connect(client: Client, filter: ProviderFilter, { binary }: { binary: boolean }): void {
    this.sessions.set(client, newSession(filter, { binary }));
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
    session.isWaiting = false;
    this.sessions.delete(client);
  }

  /**
   * Answers with a snapshot, or with a frame that continues the state that the client has: at once, or at a later tick if the
   * last viewport is too recent, there is nothing to show yet, or as many clients were answered as a tick allows.
   */
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
    this.now = now;
    session.nextViewport = viewport;
    const isTooSoon = now - session.viewportAt < VIEWPORT_INTERVAL_MS;
    if (isTooSoon || !this.isCityReady || this.updateBacklog(client, session)) return;
    if (!this.publication.isStarted) this.publication.start(now);
    this.requestAnswer(client, session);
    this.answers.send();
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
    this.now = now;
    if (this.city.generation !== this.generation) this.startOver();
    // Before the sequence changes: a client that has fallen behind has the frame of the last tick.
    const backlogBytesMax = this.updateBacklogs();
    const changed = this.publishChanges(now);
    this.answers.forget();
    const framesSent = this.sendFrames();
    this.sendDetails(new Set(changed), now);
    for (const [client, session] of this.sessions) {
      if (session.sought !== null) this.find(client, session, now);
    }
    const answers = this.answers.takeCounts();
    this.admission.advance();
    const framesSkipped = this.requestAnswers();
    this.answers.send();
    const { waitingCount } = this.admission;
    return { framesSent, framesSkipped, backlogBytesMax, answers, waitingCount, levels: this.rooms.levels() };
  }

  /** Publishes what changed since the last tick. Returns the vehicles that did. Until a client connects, no rows are made. */
  private publishChanges(now: number): readonly Vehicle[] {
    const { publication } = this;
    if (publication.isStarted) {
      const { changes, changed } = publication.publishChanges(now);
      for (const change of changes) this.rooms.publish(change);
      return changed;
    }
    const changed = publication.skipChanges();
    if (this.sessions.size === 0) return [];
    for (const change of publication.start(now)) this.rooms.publish(change);
    return changed;
  }

  /** Sends each room what changed. Returns the number of frames, counted per client. */
  private sendFrames(): number {
    let framesSent = 0;
    for (const room of this.rooms.all()) {
      room.snapshot = null;
      const isSwitched = updateCounting(room, this.counts);
      if (room.listeners > 0) {
        const message = isSwitched ? this.snapshot(room) : this.changes(room);
        deliver(message, (...sent) => this.sendToRoom(room.key, ...sent));
        framesSent += room.listeners;
      }
      forgetChanges(room);
    }
    return framesSent;
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

  /** The city was cleared: every client starts from a new snapshot, in its turn. */
  private startOver(): void {
    for (const [client, session] of this.sessions) {
      if (!session.isBehind) this.setBehind(client, session);
    }
    for (const room of this.rooms.all()) room.counts?.clear();
    this.generation = this.city.generation;
    this.epoch = newEpoch();
    this.numbers = new ProviderNumbers();
    this.publication = new Publication(this.city, this.numbers, this.limits.resumeDepartures);
  }

  /** Requests answers for clients that have drained and for new viewports. Returns the number of clients that have not drained. */
  private requestAnswers(): number {
    let behind = 0;
    for (const [client, session] of this.sessions) {
      if (session.isBehind && client.backlogBytes() > DRAINED_BACKLOG_BYTES) behind += 1;
      else if (session.isBehind || session.nextViewport !== null) this.requestAnswer(client, session);
    }
    return behind;
  }

  /** Answers a client now, or after those that wait already. */
  private requestAnswer(client: Client, session: Session): void {
    if (session.isWaiting) return;
    session.isWaiting = true;
    const isAccepted = this.admission.request({
      isGone: () => !session.isWaiting,
      enter: () => {
        session.isWaiting = false;
        if (session.isBehind) this.catchUp(client, session);
        else if (session.nextViewport !== null) this.show(client, session, session.nextViewport);
      },
    });
    if (!isAccepted) session.isWaiting = false;
  }

  private catchUp(client: Client, session: Session): void {
    const { held, nextViewport } = session;
    session.isBehind = false;
    session.held = null;
    if (this.status !== null) client.send('status', this.status);
    if (session.watched !== null) {
      client.join(watchRoom(session.watched));
      this.sendDetail(client, session, this.now);
    }
    if (nextViewport !== null) {
      this.show(client, session, { ...(held !== null && { resume: held }), ...nextViewport });
    } else if (session.room !== null) {
      listen(client, session);
      this.answer(client, session.room, held);
    }
  }

  private show(client: Client, session: Session, viewport: ViewportRequest): void {
    // Entered before the old one is left, so that the room is kept if both are the same.
    const filter = viewport.providerId ?? session.filter;
    const options = { binary: session.binary, counts: viewport.counts ?? false };
    const room = this.rooms.enter(filter, cover(viewport), options);
    if (room.members === 1) this.countVehicles(room);
    this.leaveRoom(client, session);
    session.room = room;
    session.nextViewport = null;
    session.viewportAt = this.now;
    listen(client, session);
    this.answer(client, room, viewport.resume ?? null);
  }

  private leaveRoom(client: Client, session: Session): void {
    if (session.room === null) return;
    unlisten(client, session);
    this.rooms.leave(session.room);
    session.room = null;
  }

  /** Returns the largest backlog. */
  private updateBacklogs(): number {
    let backlogBytesMax = 0;
    for (const [client, session] of this.sessions) {
      const bytes = client.backlogBytes();
      this.updateBacklog(client, session, bytes);
      backlogBytesMax = Math.max(backlogBytesMax, bytes);
    }
    return backlogBytesMax;
  }

  /** Returns whether a client is behind; one that has just fallen behind is unsubscribed from its rooms. */
  private updateBacklog(client: Client, session: Session, bytes = client.backlogBytes()): boolean {
    if (session.isBehind || bytes <= MAX_BACKLOG_BYTES) return session.isBehind;
    this.setBehind(client, session);
    return true;
  }

  private setBehind(client: Client, session: Session): void {
    const { room, isListening } = session;
    const { epoch, publication } = this;
    session.isBehind = true;
    session.isWaiting = false;
    session.held =
      room !== null && isListening ? { epoch, sequence: publication.sequence, view: viewOf(room) } : null;
    unlisten(client, session);
    if (session.watched !== null) client.leave(watchRoom(session.watched));
  }

  /** Answers a client with the state of a room. `from` is the state that it has. */
  private answer(client: Client, room: Room, from: ResumePoint | null): void {
    this.answers.add(client, room, from !== null && this.continues(room, from) ? from.sequence : null);
  }

  /** Whether the frames of a room continue a state. When a cell has changed is not known. */
  private continues(room: Room, { epoch, sequence, view }: ResumePoint): boolean {
    const isKnown = epoch === this.epoch && sequence <= this.publication.sequence;
    return isKnown && view === viewOf(room) && !room.isCounted;
  }

  private countVehicles(room: Room): void {
    if (room.counts === null) return;
    for (const row of this.rowsOf(room).vehicles) room.counts.add(row);
    updateCounting(room, this.counts);
    room.counts.takeChanged();
  }

  private rowsOf(room: Room): RowsWithin {
    room.snapshot ??= this.publication.within(room.filter, room.range);
    return room.snapshot;
  }

  /** The whole content of a room as of the last tick. */
  private snapshot(room: Room): FrameMessage {
    const { vehicles, numbers, requests } = this.rowsOf(room);
    const others = { gone: [], goneNumbers: [], requests, requestsGone: [] };
    const rows = room.isCounted
      ? { vehicles: [], numbers: [], cells: room.counts?.all() ?? [], ...others }
      : { vehicles, numbers, ...others };
    return this.message(room, rows, { whole: true, introducesAll: true });
  }

  /** What has changed since the last tick. */
  private changes(room: Room): FrameMessage {
    const cells = room.counts?.takeChanged() ?? [];
    const rows = room.isCounted ? { ...room, cells } : room;
    return this.message(room, rows, { whole: false, introducesAll: false });
  }

  /** What has changed since a sequence; `null` if that is not known. The vehicles are introduced: some may have entered since. */
  private changesSince(room: Room, sequence: number): FrameMessage | null {
    const rows = this.publication.since(room.filter, room.range, sequence);
    return rows && this.message(room, rows, { whole: false, introducesAll: true });
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

  /**
   * A frame of a room. With `introducesAll`, it introduces all of its vehicles, and otherwise those that have entered the room.
   *
   * @throws AssertionError if the city was not advanced since it was cleared
   */
  private message(
    room: Room,
    rows: FrameRows,
    { whole, introducesAll }: { readonly whole: boolean; readonly introducesAll: boolean },
  ): FrameMessage {
    const summary = this.city.summary(room.filter);
    assert.ok(summary !== null, 'a frame needs a city that was advanced');
    const { vehicles, gone, requests, requestsGone, cells } = rows;
    const { now: asOf, tickMs, numbers, epoch } = this;
    const { figures } = summary;
    const content = { asOf, tickMs, vehicles, gone, requests, requestsGone, figures };
    const point = { epoch, sequence: this.publication.sequence, view: viewOf(room) };
    const live = { ...point, ...frame(content, numbers), ...(cells !== undefined && { cells }) };
    if (!room.options.binary) return [whole ? 'snapshot' : 'frame', live];
    const { entered } = room;
    const vehicleNumbers = { vehicles: rows.numbers, gone: rows.goneNumbers };
    const isIntroduced = (index: number): boolean => introducesAll || entered[index] === true;
    return ['binary', encodeLiveFrame(live, { ...vehicleNumbers, isIntroduced }, { whole })];
  }
}

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

/** All clients that may watch a vehicle are sent the same detail. */
function watchRoom({ deviceId, providerId }: VehicleRef): string {
  return `watch:${providerId}:${deviceId}`;
}
