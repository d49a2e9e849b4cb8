import { performance } from 'node:perf_hooks';
import type {
  HistoryCloseCode,
  HistoryStatus,
  HistoryViewport,
  OpenHistory,
  SeekHistory,
  VehicleRef,
} from '@hailstream/events/live';
import { MAX_BACKLOG_BYTES } from '../live/broadcaster.js';
import type { Client } from '../live/client.js';
import { cover } from '../live/grid.js';
import { closeCodeOf } from '../query/history.errors.js';
import type { MomentHandle } from './history.service.js';

/** How often it is checked whether a client that is behind has caught up. */
const BEHIND_CHECK_MS = 100;

/** A frame waits for this multiple of the time that the one before took: a session uses half of a core at most. */
const PAUSE_FACTOR = 2;

interface SessionOptions {
  readonly client: Pick<Client, 'send' | 'backlogBytes'>;
  readonly createMoment: (onProgress: (share: number) => void) => MomentHandle;
  readonly filter: string | null;
  /** The moments that can be shown now. */
  readonly limits: () => { readonly earliest: number; readonly latest: number } | null;
  readonly tickMs: number;
  /** The session is closed after this long without a request or a frame. */
  readonly idleMs: number;
  readonly onSeek: (seconds: number) => void;
  readonly onClosed: (code: HistoryCloseCode) => void;
}

/** One page that looks at the past. What it requests is noted, and done step by step; of several seeks, the last one counts. */
export class HistorySession {
  private readonly moment: MomentHandle;
  private at: number;
  private seek: number;
  private viewport: HistoryViewport;
  private watched: VehicleRef | null = null;
  /** What is to be done: read the moment again, or send all of it again. */
  private due: 'seek' | 'snapshot' | null = 'seek';
  private speed: number | null = null;
  private playedAt = 0;
  private isClosed = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly request: OpenHistory,
    private readonly options: SessionOptions,
  ) {
    this.seek = request.seek;
    this.at = request.at;
    this.viewport = request.viewport;
    this.moment = options.createMoment((share) => this.reportProgress(share));
    void this.run();
  }

  seekTo({ seek, at }: SeekHistory): void {
    this.seek = seek;
    this.at = at;
    this.due = 'seek';
    this.wake();
  }

  play(speed: number): void {
    this.speed = speed;
    this.playedAt = performance.now();
    if (this.due !== 'seek') this.sendStatus();
    this.wake();
  }

  pause(): void {
    this.speed = null;
    if (this.due !== 'seek') this.sendStatus();
    this.wake();
  }

  setViewport(viewport: HistoryViewport): void {
    this.viewport = viewport;
    this.due ??= 'snapshot';
    this.wake();
  }

  watch(vehicle: VehicleRef | null): void {
    this.watched = vehicle;
    if (vehicle !== null) this.due ??= 'snapshot';
    this.wake();
  }

  /** Ends the session and its worker thread. Without a reason, the client is not told. */
  close(code: HistoryCloseCode, reason: string | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.wake();
    if (reason !== null) this.send({ kind: 'closed', code, reason });
    void this.moment[Symbol.asyncDispose]();
    this.options.onClosed(code);
  }

  private async run(): Promise<void> {
    try {
      while (!this.isClosed) {
        if (this.isBehind) await this.wait(BEHIND_CHECK_MS);
        else if (this.due !== null) await this.show(this.due);
        else if (this.speed !== null) await this.playOn(this.speed);
        else if (!(await this.wait(this.options.idleMs))) {
          this.close('IDLE', `nothing was requested for ${this.options.idleMs / 60_000} minutes`);
        }
      }
    } catch (error) {
      this.close(closeCodeOf(error), (error as Error).message);
    }
  }

  /** Sends all vehicles at the moment. */
  private async show(due: 'seek' | 'snapshot'): Promise<void> {
    const startedAt = performance.now();
    this.due = null;
    const { seek, filter } = { seek: this.seek, filter: this.options.filter };
    if (due === 'seek') {
      this.at = this.withinLimits(this.at);
      this.send({ kind: 'seeking', at: this.at, percent: 0 });
      await this.moment.open({ by: this.request.by, filter, at: this.at });
    }
    await this.sendView(true, seek);
    if (due === 'snapshot' || this.isClosed) return;
    this.options.onSeek((performance.now() - startedAt) / 1_000);
    this.playedAt = performance.now();
    if (this.seek === seek) this.sendStatus();
  }

  /** Moves on to the next frame. */
  private async playOn(speed: number): Promise<void> {
    const { tickMs } = this.options;
    const waitMs = this.playedAt + tickMs - performance.now();
    if (waitMs > 0 && (await this.wait(waitMs))) return;
    if (this.isClosed) return;
    const startedAt = performance.now();
    // A frame that is late does not make the next one leap: the page sees a lower speed instead.
    const elapsedMs = Math.min(startedAt - this.playedAt, 2 * tickMs);
    const next = this.at + speed * elapsedMs;
    this.at = this.withinLimits(next);
    const isAtEnd = this.at < next;
    await this.sendView(false, this.seek);
    const tookMs = performance.now() - startedAt;
    this.playedAt = startedAt + Math.max(0, tookMs * PAUSE_FACTOR - tickMs);
    if (isAtEnd && this.speed === speed) this.pause();
  }

  private async sendView(isSnapshot: boolean, seek: number): Promise<void> {
    const { watched, options } = this;
    const at = Math.floor(this.at);
    const range = cover(this.viewport);
    const filter = this.viewport.providerId ?? options.filter;
    const { frame, detail, unreadableRecords } = await this.moment.call('view', {
      at,
      range,
      filter,
      watched,
      isSnapshot,
    });
    if (this.isClosed) return;
    const { by } = this.request;
    const message = isSnapshot ? 'historySnapshot' : 'historyFrame';
    options.client.send(message, { ...frame, tickMs: options.tickMs, seek, by, unreadableRecords });
    if (detail !== undefined) options.client.send('historyVehicle', detail);
  }

  private get isBehind(): boolean {
    return this.options.client.backlogBytes() > MAX_BACKLOG_BYTES;
  }

  private withinLimits(at: number): number {
    const limits = this.options.limits();
    return limits === null ? at : Math.min(Math.max(at, limits.earliest), limits.latest);
  }

  private sendStatus(): void {
    const at = Math.floor(this.at);
    this.send(this.speed === null ? { kind: 'paused', at } : { kind: 'playing', at, speed: this.speed });
  }

  private reportProgress(share: number): void {
    if (!this.isClosed)
      this.send({ kind: 'seeking', at: Math.floor(this.at), percent: Math.floor(share * 100) });
  }

  private send(status: HistoryStatus): void {
    this.options.client.send('historyStatus', status);
  }

  /** Waits for a request. Returns whether there was one within the time. */
  private wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
