import type {
  City,
  ClientToServer,
  LiveFrame,
  Refusal,
  ResumePoint,
  ServerToClient,
  Viewport,
} from '@hailstream/events/live';
import { LIVE_FRAME_VERSION, LiveFrameDecoder } from '@hailstream/events/live-binary';
import { type Socket, io } from 'socket.io-client';
import type { CityState } from '../city-state/city-state.js';
import { Store } from '../store.js';
import {
  type ConnectionEvent,
  type ConnectionState,
  nextConnectionState,
  retryDelayMs,
} from './connection-state.js';
import type { PageSession } from './page-session.js';
import { type Answer, request, sendChange } from './request.js';
import { RetryTimer } from './retry-timer.js';

/** Timeout of the handshake. */
const HANDSHAKE_TIMEOUT_MS = 8_000;

/** The connection to the realtime service: sends the viewport and the watched vehicle, and passes on what is received. */
export class Connection {
  readonly state = new Store<ConnectionState>({ kind: 'connecting' });
  readonly city = new Store<City | null>(null);
  /** A message of this page that the service rejected, because of a bug in either of them. */
  readonly refusal = new Store<Refusal | null>(null);
  private readonly token: string | null;
  private readonly session: PageSession;
  private readonly cityState: CityState;
  readonly socket: Socket<ServerToClient, ClientToServer>;
  /** Kept when the connection is lost: frames of the next one may continue those of this one. */
  private readonly decoder = new LiveFrameDecoder();
  /** The state that the page has, which the first frame of the next connection may continue. */
  private held: ResumePoint | null = null;
  private readonly retries = new RetryTimer(() => this.reconnect());

  /** @param frameToken the token of a frame, instead of the session of the user */
  constructor(
    { frameToken, session }: { readonly frameToken: string | null; readonly session: PageSession },
    cityState: CityState,
  ) {
    this.token = frameToken;
    this.session = session;
    this.cityState = cityState;
    this.socket = io({
      transports: ['websocket'],
      auth: this.credentials({ binary: true }),
      autoConnect: false,
      timeout: HANDSHAKE_TIMEOUT_MS,
      // Its delays are not random once they are the longest: all pages would reconnect at the same moments.
      reconnection: false,
    });
    this.listen();
  }

  open(): void {
    this.socket.connect();
    void this.loadCity();
    this.cityState.viewport.subscribe(() => this.sendViewport());
    this.cityState.provider.subscribe(() => this.sendViewport());
    this.cityState.battery.subscribe(() => this.sendViewport());
    this.cityState.contact.subscribe(() => this.sendViewport());
    this.cityState.selected.subscribe(() => {
      this.refusal.set(null);
      this.sendWatch();
    });
  }

  /** Requests JSON in the name of the user. If the service refuses that, the user is signed out. */
  async request<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
    await this.session.settled;
    const answer = await request<T>(path, { token: this.token, signal });
    if (answer.kind === 'refused') this.refuse(answer.waitMs);
    return answer;
  }

  /** Sends a change in the name of the user, who remains signed in if it is not permitted. */
  change<T>(method: 'POST' | 'DELETE', path: string, body?: object): ReturnType<typeof sendChange<T>> {
    return sendChange<T>(path, { token: this.token, method, body });
  }

  private listen(): void {
    const socket = this.socket;
    socket.on('connect', () => {
      this.retries.reset();
      this.step({ kind: 'opened' });
      this.sendViewport(this.held);
      if (this.cityState.selected.get() !== null) this.sendWatch();
    });
    socket.on('disconnect', () => this.lost());
    socket.on('connect_error', () => this.lost());
    socket.on('snapshot', (frame) => this.receive(frame, true));
    socket.on('frame', (frame) => this.receive(frame, false));
    socket.on('binary', (bytes) => this.receiveBinary(bytes));
    socket.on('status', (message) => this.cityState.receiveStatus(message));
    socket.on('refused', (refusal) => this.refusal.set(refusal));
    socket.on('vehicle', (detail) => this.cityState.receiveDetail(detail));
  }

  private receive(frame: LiveFrame, whole: boolean): void {
    this.cityState.receive(frame, whole);
    const { epoch, sequence, view } = frame;
    this.held = { epoch, sequence, view };
  }

  /** Bytes that cannot be decoded are a bug in the service or the page, which continues with JSON over a new connection. */
  private receiveBinary(bytes: ArrayBuffer | Uint8Array): void {
    try {
      const { whole, frame } = this.decoder.decode(new Uint8Array(bytes));
      this.receive(frame, whole);
    } catch (error) {
      reportError(error);
      this.socket.auth = this.credentials({ binary: false });
      this.socket.disconnect().connect();
    }
  }

  private credentials({ binary }: { binary: boolean }): Record<string, unknown> {
    return {
      ...(this.token !== null && { token: this.token }),
      ...(binary && { binary: LIVE_FRAME_VERSION }),
    };
  }

  /** The socket is inactive after the service refused or closed the connection, but not after a network failure. */
  private lost(): void {
    if (this.state.get().kind === 'signed-out') return;
    this.step({ kind: 'lost' });
    this.cityState.lose();
    if (this.socket.active) this.retries.schedule();
    else void this.checkRefusal();
  }

  /** Signs the user out if the service refuses requests, and reconnects otherwise. */
  async checkRefusal(): Promise<void> {
    const answer = await this.request('/city');
    // The page may be connecting meanwhile.
    if (answer.kind !== 'refused' && !this.socket.active) this.retries.schedule();
  }

  private reconnect(): void {
    if (this.state.get().kind !== 'signed-out') this.socket.connect();
  }

  private async loadCity(): Promise<void> {
    for (let attempt = 1; this.state.get().kind !== 'signed-out'; attempt++) {
      const answer = await this.request<City>('/city');
      if (answer.kind === 'refused') return;
      if (answer.kind === 'ok') {
        const { body: city } = answer;
        this.city.set(city);
        // Vehicles are requested while the map loads; the map later sets the exact viewport.
        if (this.cityState.viewport.get() === null) this.cityState.viewport.set(city.bbox);
        return;
      }
      await pause(retryDelayMs(attempt, Math.random));
    }
  }

  private refuse(waitMs: number | null): void {
    if (waitMs !== null) void this.session.waitFor(waitMs);
    this.step({ kind: 'refused', hadToken: this.token !== null || this.session.isLinkInvalid.get() });
    this.retries.reset();
    this.socket.disconnect();
  }

  private step(event: ConnectionEvent): void {
    this.state.set(nextConnectionState(this.state.get(), event));
  }

  /** Without `resume`, the response is a snapshot. */
  private sendViewport(resume: ResumePoint | null = null): void {
    const viewport: Viewport | null = this.cityState.viewport.get();
    if (viewport === null || !this.socket.connected) return;
    const providerId = this.cityState.provider.get();
    // Counts are by state only: vehicles that are filtered by something else are sent.
    const counts = this.cityState.battery.get() === null && this.cityState.contact.get() === 'any';
    this.socket.emit('viewport', {
      ...viewport,
      counts,
      ...(providerId !== null && { providerId }),
      ...(resume !== null && { resume }),
    });
  }

  private sendWatch(): void {
    if (this.socket.connected) this.socket.emit('watch', this.cityState.selected.get());
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
