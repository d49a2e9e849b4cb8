import type {
  ResumePoint,
  StatusMessage,
  VehicleQuery,
  VehicleRef,
  ViewportRequest,
} from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import type { LiveLimits } from '../limits/live-limits.js';
import type { TickReport } from '../metrics/realtime-metrics.service.js';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { Answers } from './answers.js';
import type { Client, SendToRoom } from './client.js';
import { deliver } from './frame-message.js';
import { cover } from './grid.js';
import { PartSender } from './parts.js';
import { RoomFrames } from './room-frames.js';
import { forgetChanges, Rooms, viewOf, type Room } from './rooms.js';
import { listen, newSession, unlisten, type Session } from './session.js';
import { Turnstile } from './turnstile.js';

/** A client with more unwritten bytes than this is behind: it is sent no frames until it has drained. */
export const MAX_BACKLOG_BYTES = 1_048_576;

/** A client that is behind has drained once its unwritten bytes are at most this. */
const DRAINED_BACKLOG_BYTES = 65_536;

/** A viewport that follows another within this time is applied at the next tick; of several, the last one is. */
export const VIEWPORT_INTERVAL_MS = 100;

/**
 * Answers per tick end once this many rows were looked at: with a large fleet, they take about 100 ms.
 */
const MAX_ROWS_LOOKED_AT_PER_TICK = 5_000_000;

/** A message with more rows is sent in parts, of about 1 MB as JSON. */
const MAX_ROWS_PER_MESSAGE = 12_500;

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
  readonly limits: Pick<LiveLimits, 'snapshotsPerTick' | 'resumeDepartures' | 'backlogBytes'>;
  readonly counts?: CountLimits | undefined;
  /** @default 12,500 */
  readonly rowsPerMessage?: number | undefined;
}

/** Sends every client what changes in its viewport: one frame per tick, none while the client is behind. */
export class Broadcaster {
  private readonly rooms = new Rooms();
  private readonly limits: BroadcastOptions['limits'];
  private readonly counts: CountLimits;
  private frames: RoomFrames;
  private readonly sessions = new Map<Client, Session>();
  private status: StatusMessage | null = null;
  private generation: number;
  /** The clock of the current call. */
  private now = Number.NEGATIVE_INFINITY;
  /** Bounds the answers per tick. */
  private readonly admission: Turnstile;
  private readonly answers: Answers;
  private readonly parts: PartSender;
  private readonly rowsPerMessage: number;
  /** The work of the answers up to the last tick, see `RoomFrames.workDone`. */
  private workBefore = 0;
  /** Of all clients, as of the last tick. */
  private backlogBytes = 0;

  constructor(
    private readonly city: CityState,
    private readonly sendToRoom: SendToRoom,
    private readonly tickMs: number,
    { limits, counts = COUNT_LIMITS, rowsPerMessage = MAX_ROWS_PER_MESSAGE }: BroadcastOptions,
  ) {
    this.limits = limits;
    this.counts = counts;
    this.rowsPerMessage = rowsPerMessage;
    this.admission = new Turnstile({
      perTick: limits.snapshotsPerTick,
      maxWaiting: MAX_WAITING,
      isExhausted: () =>
        this.frames.workDone - this.workBefore > MAX_ROWS_LOOKED_AT_PER_TICK || this.isOverBudget,
    });
    this.parts = new PartSender({
      rowsPerPart: rowsPerMessage,
      maxBacklogBytes: DRAINED_BACKLOG_BYTES,
      toMessage: (room, rows, point, whole) =>
        this.frames.message(room, rows, { whole, introducesAll: true, point }),
      onSent: (client, point) => this.endParts(client, point),
    });
    this.answers = new Answers(
      {
        snapshot: (room) => this.frames.wholeOf(room),
        changesSince: (room, sequence) => this.frames.changesSince(room, sequence),
      },
      sendToRoom,
    );
    this.frames = this.newFrames();
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
    this.cancelParts(client, session);
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
    const { publication } = this.frames;
    if (!publication.isStarted) publication.start(now);
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
    this.workBefore = this.frames.workDone;
    this.admission.advance();
    const framesSkipped = this.requestAnswers();
    this.answers.send();
    this.sendParts();
    return {
      framesSent,
      framesSkipped,
      backlogBytesMax,
      backlogBytes: this.backlogBytes,
      answers,
      waitingCount: this.admission.waitingCount,
      inParts: this.parts.count,
      levels: this.rooms.levels(),
    };
  }

  /** Sends clients the next parts of what is too much for one message. Called with each tick and, if it returns true, in between. */
  sendParts(): boolean {
    if (!this.isOverBudget) this.parts.send();
    return this.parts.count > 0;
  }

  /** Publishes what changed since the last tick. Returns the vehicles that did. Until a client connects, no rows are made. */
  private publishChanges(now: number): readonly Vehicle[] {
    const { publication } = this.frames;
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
      if (room.listeners > 0 && !isSwitched && this.frames.isTooMuch(room, room)) this.sendLater(room);
      if (room.listeners > 0) {
        const message = isSwitched ? this.frames.snapshot(room) : this.frames.changes(room);
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
      this.cancelParts(client, session);
      if (!session.isBehind) this.setBehind(client, session);
    }
    for (const room of this.rooms.all()) room.counts?.clear();
    this.generation = this.city.generation;
    this.frames = this.newFrames();
  }

  private newFrames(): RoomFrames {
    const { city, tickMs, rowsPerMessage } = this;
    const { resumeDepartures } = this.limits;
    return new RoomFrames(city, { tickMs, rowsPerMessage, resumeDepartures, now: () => this.now });
  }

  /** Requests answers for clients that have drained and for new viewports. Returns the number of clients that have not drained. */
  private requestAnswers(): number {
    let behind = 0;
    for (const [client, session] of this.sessions) {
      // Another viewport replaces what is left of the parts.
      if (session.isInParts && session.nextViewport === null) continue;
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
      of: callerOf(session),
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
    this.cancelParts(client, session);
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
      this.answer(client, session, session.room, held);
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
    this.answer(client, session, room, viewport.resume ?? null);
  }

  private leaveRoom(client: Client, session: Session): void {
    if (session.room === null) return;
    unlisten(client, session);
    this.rooms.leave(session.room);
    session.room = null;
  }

  /** Returns the largest backlog. */
  private updateBacklogs(): number {
    let [backlogBytesMax, sum] = [0, 0];
    for (const [client, session] of this.sessions) {
      const bytes = client.backlogBytes();
      this.updateBacklog(client, session, bytes);
      backlogBytesMax = Math.max(backlogBytesMax, bytes);
      sum += bytes;
    }
    this.backlogBytes = sum;
    return backlogBytesMax;
  }

  /** Returns whether a client is behind; one that has just fallen behind is unsubscribed from its rooms. */
  private updateBacklog(client: Client, session: Session, bytes = client.backlogBytes()): boolean {
    const limit = this.isOverBudget ? DRAINED_BACKLOG_BYTES : MAX_BACKLOG_BYTES;
    if (session.isBehind || bytes <= limit) return session.isBehind;
    this.setBehind(client, session);
    return true;
  }

  /** @param sequence of the newest frame that it was sent */
  private setBehind(client: Client, session: Session, sequence = this.frames.publication.sequence): void {
    const { room, isListening } = session;
    const { epoch } = this.frames;
    session.isBehind = true;
    session.isWaiting = false;
    session.held = room !== null && isListening ? { epoch, sequence, view: viewOf(room) } : null;
    unlisten(client, session);
    if (session.watched !== null) client.leave(watchRoom(session.watched));
  }

  /** Answers a client with the state of a room. `from` is the state that it has. */
  private answer(client: Client, session: Session, room: Room, from: ResumePoint | null): void {
    const sequence = from !== null && this.frames.continues(room, from) ? from.sequence : null;
    if (!this.answers.add(client, room, sequence)) this.answerInParts(client, session, room, sequence);
  }

  /** Until it was sent all parts, a client is behind: it has the state of now then, and is answered again. */
  private answerInParts(client: Client, session: Session, room: Room, sequence: number | null): void {
    this.setBehind(client, session);
    session.held = null;
    session.isInParts = true;
    this.parts.start(client, callerOf(session), this.frames.contentSince(room, sequence));
  }

  private endParts(client: Client, point: ResumePoint): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    session.isInParts = false;
    session.held = point;
  }

  private cancelParts(client: Client, session: Session): void {
    if (session.isInParts) this.parts.cancel(client, callerOf(session));
    session.isInParts = false;
  }

  /** What changed in a room is too much for one message: its clients are answered in parts, from the state of the last tick. */
  private sendLater(room: Room): void {
    for (const [client, session] of this.sessions) {
      if (session.room === room && session.isListening) {
        this.setBehind(client, session, this.frames.publication.sequence - 1);
      }
    }
  }

  private get isOverBudget(): boolean {
    return this.backlogBytes > this.limits.backlogBytes;
  }

  private countVehicles(room: Room): void {
    if (room.counts === null) return;
    for (const row of this.frames.rowsOf(room).vehicles) room.counts.add(row);
    updateCounting(room, this.counts);
    room.counts.takeChanged();
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
}

/** Clients of one provider are answered one after the other, those of several in turn. */
function callerOf({ filter }: Session): string {
  return filter ?? '';
}

/** Decides whether a room is counted. Returns whether that has changed. */
function updateCounting(room: Room, { above, upTo }: CountLimits): boolean {
  const total = room.counts?.total ?? 0;
  const isCounted = total > (room.isCounted ? upTo : above);
  if (isCounted === room.isCounted) return false;
  room.isCounted = isCounted;
  return true;
}

/** All clients that may watch a vehicle are sent the same detail. */
function watchRoom({ deviceId, providerId }: VehicleRef): string {
  return `watch:${providerId}:${deviceId}`;
}
