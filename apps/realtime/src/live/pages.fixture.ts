import type {
  CellRow,
  LiveFrame,
  RequestRow,
  ResumePoint,
  ServerToClient,
  VehicleRow,
  ViewportRequest,
} from '@hailstream/events/live';
import { LiveFrameDecoder } from '@hailstream/events/live-binary';
import { CityState, type CityEvent, type ProviderFilter } from '../fold/city-state.js';
import { NOW } from '../fold/events.fixture.js';
import { Broadcaster, type CountLimits } from './broadcaster.js';
import type { Client } from './client.js';

export const TICK_MS = 500;

/** A client that keeps what it was sent, as the page does. */
export class Page implements Client {
  readonly received: [keyof ServerToClient, unknown][] = [];
  readonly rooms = new Set<string>();
  /** By provider and device. */
  readonly drawn = new Map<string, VehicleRow>();
  /** The waiting riders, by provider and trip. */
  readonly waiting = new Map<string, RequestRow>();
  /** The counts of vehicles by state in each cell, by its centre. */
  readonly cells = new Map<string, CellRow[2]>();
  backlog = 0;
  /** The state that it has; `null` before the first snapshot. */
  held: ResumePoint | null = null;
  private readonly decoder = new LiveFrameDecoder();

  /** Binary frames are kept as the JSON that has the same content. */
  send(sent: keyof ServerToClient, content: unknown): void {
    const { message, payload } = this.decode(sent, content);
    this.received.push([message, payload]);
    if (message === 'snapshot') {
      this.drawn.clear();
      this.cells.clear();
      this.waiting.clear();
    }
    if (message !== 'snapshot' && message !== 'frame') return;
    const live = payload as LiveFrame;
    this.held = { epoch: live.epoch, sequence: live.sequence, view: live.view };
    const { vehicles, gone, requests, requestsGone, cells = [], providers } = live;
    for (const [lat, lng, counts] of cells) {
      if (Object.keys(counts).length > 0) this.cells.set(`${lat} ${lng}`, counts);
      else this.cells.delete(`${lat} ${lng}`);
    }
    const keyOf = (deviceId: string, provider: number) => `${providers[provider]} ${deviceId}`;
    for (const [deviceId, provider] of gone) this.drawn.delete(keyOf(deviceId, provider));
    for (const row of vehicles) this.drawn.set(keyOf(row[0], row[7]), row);
    for (const [tripId, provider] of requestsGone) this.waiting.delete(keyOf(tripId, provider));
    for (const row of requests) this.waiting.set(keyOf(row[0], row[4]), row);
  }

  private decode(
    message: keyof ServerToClient,
    payload: unknown,
  ): { message: keyof ServerToClient; payload: unknown } {
    if (message !== 'binary') return { message, payload };
    const { whole, frame } = this.decoder.decode(payload as Uint8Array);
    return { message: whole ? 'snapshot' : 'frame', payload: frame };
  }

  get waitingTrips(): string[] {
    return [...this.waiting.values()].map(([tripId]) => tripId);
  }

  get deviceIds(): string[] {
    return [...this.drawn.values()].map(([deviceId]) => deviceId);
  }

  join(room: string): void {
    this.rooms.add(room);
  }

  leave(room: string): void {
    this.rooms.delete(room);
  }

  backlogBytes(): number {
    return this.backlog;
  }

  /** The messages since the last call. */
  take(): [keyof ServerToClient, unknown][] {
    return this.received.splice(0);
  }

  takeFrames(): LiveFrame[] {
    return this.take().flatMap(([message, payload]) => (message === 'frame' ? [payload as LiveFrame] : []));
  }
}

interface SetUpOptions {
  readonly counts?: CountLimits;
  readonly snapshotsPerTick?: number;
  readonly resumeDepartures?: number;
  readonly backlogBytes?: number;
  readonly rowsPerMessage?: number;
}

export function setUp({
  counts,
  snapshotsPerTick = 1_000,
  resumeDepartures = 1_000,
  backlogBytes = 1e9,
  rowsPerMessage,
}: SetUpOptions = {}) {
  const city = new CityState();
  const pages: Page[] = [];
  let encodings = 0;
  const broadcaster = new Broadcaster(
    city,
    (room, message, payload) => {
      encodings += 1;
      for (const page of pages) if (page.rooms.has(room)) page.send(message, payload);
    },
    TICK_MS,
    { limits: { snapshotsPerTick, resumeDepartures, backlogBytes }, counts, rowsPerMessage },
  );
  return {
    city,
    broadcaster,
    tick: (now: number) => {
      city.advance(now);
      return broadcaster.tick(now);
    },
    encodings: () => encodings,
    fold: (...events: CityEvent[]) => {
      for (const event of events) city.fold(event, { receivedAt: NOW, now: NOW });
    },
    open: (
      viewport: ViewportRequest | null,
      filter: ProviderFilter = null,
      { binary = false } = {},
    ): Page => {
      const page = new Page();
      pages.push(page);
      broadcaster.connect(page, filter, { binary });
      if (viewport !== null) broadcaster.viewport(page, viewport, NOW);
      return page;
    },
  };
}
