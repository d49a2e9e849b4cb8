import type {
  ClientToServer,
  HistoryCloseCode,
  HistoryFrame,
  HistoryOrder,
  HistoryStatus,
  HistoryViewport,
  Refusal,
  ServerToClient,
  VehicleDetail,
} from '@hailstream/events/live';
import type { Socket } from 'socket.io-client';
import { CityContents } from '../city-state/city-contents.js';
import type { CityState } from '../city-state/city-state.js';
import { FiguresHistory, HISTORY_SECONDS } from '../city-state/figures-history.js';
import { isVehicleRef } from '../city-state/fleet.js';
import { Store } from '../store.js';

/** Multiples of the speed of the clock. */
export const speeds = [1, 2, 5, 10, 30, 60] as const;
export type Speed = (typeof speeds)[number];

/** A seek that was not answered for this long is replaced by the next one; until then, only the latest moment waits. */
export const SUPERSEDED_AFTER_MS = 500;

/** Without any message for this long, the service does not read the moment. */
export const UNANSWERED_AFTER_MS = 15_000;

/** A moment further from the requested one is another one: the nearest that the log holds. */
const MOVED_BY_MS = 1_000;

interface HistoryFailure {
  readonly code: HistoryCloseCode;
  readonly reason: string;
}

export type HistoryState =
  /** The present is shown. */
  | { readonly kind: 'live' }
  /** A moment was requested. What was shown before is shown until it is received. `percent` of its records are read. */
  | { readonly kind: 'seeking'; readonly percent: number }
  /** `isMoved`: the log does not hold the requested moment; the nearest one is shown. */
  | { readonly kind: 'paused'; readonly isMoved: boolean }
  /** `speed` is less than requested if the service reads more slowly. */
  | { readonly kind: 'playing'; readonly speed: number }
  /** The session ended. `at` and `by` are what was requested. */
  | {
      readonly kind: 'failed';
      readonly failure: HistoryFailure;
      readonly at: number;
      readonly by: HistoryOrder;
    };

type HistorySocket = Pick<Socket<ServerToClient, ClientToServer>, 'connected' | 'emit' | 'on'>;

/**
 * The moment of the past that the page shows. A change of `at` requests another moment, or leaves the past if it is `null`. At
 * most one seek is in flight; the moments requested meanwhile are skipped except for the latest.
 */
export class HistorySession {
  /** The requested moment, in milliseconds; the moment that is shown, once it is received. `null` is the present. */
  readonly at = new Store<number | null>(null);
  /** The requested order. */
  readonly by = new Store<HistoryOrder>('event');
  /** The order of the moment that is shown; `null` until one is received. */
  readonly shownBy = new Store<HistoryOrder | null>(null);
  readonly state = new Store<HistoryState>({ kind: 'live' });
  /** Records up to the moment that is shown that could not be read. */
  readonly unreadableRecords = new Store(0);
  readonly speed = new Store<Speed>(10);
  /** Whether the moment is to move forward. */
  readonly isPlaying = new Store(false);
  private readonly city: CityState;
  private socket: HistorySocket | null = null;
  /** The moment that the page itself wrote to `at`: nothing is to be requested. */
  private settledAt: number | null = null;
  private seek = 0;
  /** Whether the service offers history; `null` until it is known. */
  private isOffered: boolean | null = null;
  private isOpen = false;
  private inFlight: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> } | null = null;
  private canSupersede = false;
  /** Runs while a seek is in flight, from its last message. */
  private answerTimer: ReturnType<typeof setTimeout> | undefined;
  /** `playHistory` was sent and not answered: a `paused` before the answer belongs to the seek. */
  private isPlayPending = false;
  /** What was received of the last seek. */
  private contents: CityContents | null = null;

  constructor(city: CityState) {
    this.city = city;
  }

  /** Uses this socket. Nothing is sent before {@link offer}. */
  start(socket: HistorySocket): void {
    this.socket = socket;
    socket.on('connect', () => this.request());
    socket.on('disconnect', () => this.lose());
    socket.on('historySnapshot', (frame) => this.receiveSnapshot(frame));
    socket.on('historyFrame', (frame) => this.receiveFrame(frame));
    socket.on('historyVehicle', (detail) => this.receiveDetail(detail));
    socket.on('historyStatus', (status) => this.receiveStatus(status));
    socket.on('refused', (refusal) => this.receiveRefusal(refusal));
    this.at.subscribe(() => this.follow());
    this.by.subscribe(() => this.reorder());
    this.city.viewport.subscribe(() => this.sendViewport());
    this.city.provider.subscribe(() => this.sendViewport());
    this.city.selected.subscribe(() => this.sendWatch());
    if (this.at.get() === null) return;
    // The present is not shown to a user who opened a moment of the past.
    this.city.shown.set(new CityContents());
    this.request();
  }

  /** Sets whether the service offers history. */
  offer(isOffered: boolean): void {
    if (this.isOffered === isOffered) return;
    this.isOffered = isOffered;
    this.request();
  }

  play(): void {
    this.isPlaying.set(true);
    if (this.inFlight !== null) return;
    if (this.isOpen) this.sendPlay();
    else this.request();
  }

  pause(): void {
    this.isPlaying.set(false);
    this.isPlayPending = false;
    if (this.isOpen) this.socket?.emit('pauseHistory');
  }

  setSpeed(speed: Speed): void {
    this.speed.set(speed);
    if (this.isPlaying.get() && this.isOpen && this.inFlight === null) this.sendPlay();
  }

  /** Requests the moment again, after a failure. */
  retry(): void {
    const state = this.state.get();
    if (state.kind !== 'failed') return;
    const { at, by } = state;
    this.by.set(by);
    if (this.at.get() === at) this.request();
    else this.at.set(at);
  }

  dismissFailure(): void {
    if (this.state.get().kind === 'failed' && this.at.get() === null) this.state.set({ kind: 'live' });
  }

  /** What is shown stays; a page that has received nothing of the past shows the present. */
  private fail({ code, reason }: HistoryFailure): void {
    const at = this.at.get();
    const by = this.by.get();
    this.stop();
    if (at === null) return;
    if (this.contents === null) this.at.set(null);
    this.state.set({ kind: 'failed', failure: { code, reason }, at, by });
  }

  private follow(): void {
    const at = this.at.get();
    if (at === null) this.leave();
    else if (at !== this.settledAt) this.request();
  }

  private leave(): void {
    if (this.isOpen) this.socket?.emit('closeHistory');
    this.stop();
    this.contents = null;
    this.shownBy.set(null);
    this.settledAt = null;
    this.by.set('event');
    this.city.shown.set(this.city.live);
    this.state.set({ kind: 'live' });
  }

  private stop(): void {
    this.land();
    this.isOpen = false;
    this.isPlaying.set(false);
    this.isPlayPending = false;
  }

  /** The connection was lost: the session is opened again at the moment that is shown, and played if it was. */
  private lose(): void {
    const isSeeking = this.inFlight !== null;
    this.land();
    this.isOpen = false;
    this.isPlayPending = false;
    if (!isSeeking) this.settleAtShown();
  }

  /** Another order: the session is opened again. */
  private reorder(): void {
    if (this.at.get() === null) return;
    if (this.inFlight === null) this.settleAtShown();
    this.land();
    this.isOpen = false;
    this.request();
  }

  private request(): void {
    if (this.at.get() === null) return;
    if (this.isOffered === false) {
      this.fail({ code: 'HISTORY_DISABLED', reason: 'the service shows the present only' });
      return;
    }
    this.settledAt = null;
    if (this.state.get().kind !== 'seeking') this.state.set({ kind: 'seeking', percent: 0 });
    if (this.inFlight === null || this.canSupersede) this.sendSeek();
  }

  private sendSeek(): void {
    const at = this.at.get();
    const viewport = this.historyViewport;
    if (this.isOffered !== true || this.socket?.connected !== true) return;
    if (at === null || viewport === null) return;
    this.land();
    this.seek++;
    const { seek } = this;
    if (this.isOpen) {
      this.socket.emit('seekHistory', { seek, at });
    } else {
      this.isOpen = true;
      this.socket.emit('openHistory', { seek, at, by: this.by.get(), viewport });
      if (this.city.selected.get() !== null) this.sendWatch();
    }
    this.inFlight = { at, timer: setTimeout(() => this.supersede(), SUPERSEDED_AFTER_MS) };
    this.expectAnswer();
  }

  private supersede(): void {
    this.canSupersede = true;
    if (this.at.get() !== this.inFlight?.at) this.sendSeek();
  }

  private expectAnswer(): void {
    clearTimeout(this.answerTimer);
    const reason = `no answer for ${UNANSWERED_AFTER_MS / 1_000} s`;
    this.answerTimer = setTimeout(() => this.fail({ code: 'FAILED', reason }), UNANSWERED_AFTER_MS);
  }

  /** No seek is in flight any more. */
  private land(): void {
    clearTimeout(this.inFlight?.timer);
    clearTimeout(this.answerTimer);
    this.inFlight = null;
    this.canSupersede = false;
  }

  private receiveSnapshot(frame: HistoryFrame): void {
    if (!this.isOpen || frame.seek !== this.seek) return;
    if (this.inFlight === null) {
      this.contents?.receive(frame, { whole: true, glides: this.city.glides });
      return;
    }
    const { at } = this.inFlight;
    this.land();
    const contents = new CityContents(new FiguresHistory({ bridgedSeconds: HISTORY_SECONDS - 1 }));
    contents.receive(frame, { whole: true, glides: false });
    this.contents = contents;
    this.shownBy.set(frame.by);
    this.unreadableRecords.set(frame.unreadableRecords);
    this.city.shown.set(contents);
    if (this.at.get() !== at) {
      this.sendSeek();
      return;
    }
    this.settle(frame.asOf);
    this.state.set({ kind: 'paused', isMoved: Math.abs(frame.asOf - at) > MOVED_BY_MS });
    if (this.isPlaying.get()) this.sendPlay();
  }

  private receiveFrame(frame: HistoryFrame): void {
    if (!this.isOpen || this.inFlight !== null || frame.seek !== this.seek) return;
    this.contents?.receive(frame, { whole: false, glides: this.city.glides });
    this.unreadableRecords.set(frame.unreadableRecords);
  }

  private receiveDetail(detail: VehicleDetail | null): void {
    if (!this.isOpen || this.inFlight !== null || this.contents === null) return;
    this.contents.lacksSelected.set(detail === null);
    if (detail === null) this.contents.detail.set(null);
    else this.city.receiveDetail(detail, this.contents);
  }

  private receiveStatus(status: HistoryStatus): void {
    if (!this.isOpen) return;
    switch (status.kind) {
      case 'seeking':
        if (this.inFlight === null) return;
        this.expectAnswer();
        this.state.set({ kind: 'seeking', percent: status.percent });
        return;
      case 'paused':
        if (this.inFlight !== null || this.isPlayPending) return;
        this.isPlaying.set(false);
        this.settle(status.at);
        if (this.state.get().kind !== 'paused') this.state.set({ kind: 'paused', isMoved: false });
        return;
      case 'playing':
        this.isPlayPending = false;
        if (this.inFlight === null) this.state.set({ kind: 'playing', speed: status.speed });
        return;
      case 'closed':
        // The page closes sessions itself, and replaces them.
        if (status.code !== 'CLOSED') this.fail(status);
    }
  }

  private receiveRefusal({ message, reason }: Refusal): void {
    if (message === 'openHistory' || message === 'seekHistory') this.fail({ code: 'FAILED', reason });
  }

  private settleAtShown(): void {
    const shownAt = this.contents?.tick.get()?.asOf;
    if (shownAt !== undefined) this.settle(shownAt);
  }

  private settle(at: number): void {
    this.settledAt = at;
    this.at.set(at);
  }

  private sendPlay(): void {
    this.isPlayPending = true;
    this.socket?.emit('playHistory', { speed: this.speed.get() });
  }

  private sendViewport(): void {
    const viewport = this.historyViewport;
    if (viewport === null || this.at.get() === null) return;
    if (this.isOpen) this.socket?.emit('historyViewport', viewport);
    else if (this.state.get().kind === 'seeking') this.sendSeek();
  }

  /** The viewport, and the provider that the page shows. */
  private get historyViewport(): HistoryViewport | null {
    const viewport = this.city.viewport.get();
    const providerId = this.city.provider.get();
    return viewport && { ...viewport, ...(providerId !== null && { providerId }) };
  }

  private sendWatch(): void {
    const selected = this.city.selected.get();
    // Without the provider, the live connection finds it first.
    if (this.isOpen) this.socket?.emit('watchHistory', isVehicleRef(selected) ? selected : null);
  }
}
