import type { Socket } from 'node:net';
import { MAX_NODE_TIMER_MS } from '@hailstream/service/timers';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Meter } from '../metrics/meter.js';
import type { Session } from '../security/session.js';
import { type FrameError, FrameSplitter } from './frames.js';

/** Requests of one connection that may wait or be worked on; beyond it, its socket is not read. */
const MAX_REQUESTS = 64;
/** Bytes of requests that may wait or be worked on. */
const MAX_REQUEST_BYTES = 32 << 20;
/** Bytes of responses that may wait in the socket before the next request is worked on. */
const MAX_UNSENT_BYTES = 4 << 20;

/** Longest that a client may take to prove who it is. */
const AUTHENTICATION_TIMEOUT_MS = 10_000;

/** Longest that a request may take to arrive, once its first bytes have. */
const ARRIVAL_TIMEOUT_MS = 120_000;

/** Longest that a client may take to read the last bytes of a connection that ends. */
const LINGER_MS = 5_000;

/** What a request comes to. */
export type Outcome =
  | {
      readonly kind: 'answer';
      readonly chunks: readonly Buffer[];
      /** Called once the system has taken the chunks; never, if the connection ends before. */
      readonly sent?: () => void;
    }
  /** The client wants none. */
  | { readonly kind: 'no-answer' }
  /** The connection ends, after these bytes if there are any. */
  | { readonly kind: 'close'; readonly reason: string; readonly chunks: readonly Buffer[] };

/** Works on one request. */
export interface RequestRunner {
  /** Whether requests after this one may start before it is answered. */
  isPipelined(frame: Buffer, connection: Connection): boolean;
  run(frame: Buffer, connection: Connection): Promise<Outcome>;
}

export interface ConnectionOptions {
  /** Whose errors are heard already. */
  readonly socket: Socket;
  readonly runner: RequestRunner;
  readonly meter: Meter;
  readonly limitedLogger: RateLimitedLogger;
  readonly session: Session;
  readonly maxRequestBytes: () => number;
  /** The same, of clients that have not yet proved who they are. */
  readonly maxTokenBytes: number;
  readonly idleMs: number;
}

/**
 * One client's socket. Requests are answered in the order they came. They are worked on one after another, but that
 * those which say so may overlap with what follows of their kind. A client that does not read its answers is not read.
 */
export class Connection {
  private readonly waiting: Buffer[] = [];
  private heldBytes = 0;
  private running = 0;
  private runningAlone = false;
  private answered: Promise<void> = Promise.resolve();
  private readonly aborter = new AbortController();
  private draining = false;
  private emptied: (() => void) | undefined;
  /** Runs while a part of a request has arrived. */
  private arrival: NodeJS.Timeout | undefined;

  constructor(private readonly options: ConnectionOptions) {
    const { socket, session, maxRequestBytes, maxTokenBytes, idleMs } = options;
    const maxBytes = () => (session.isAdmitted ? maxRequestBytes() : maxTokenBytes);
    const frames = new FrameSplitter(maxBytes, (frame) => this.accept(frame));
    if (!session.isAdmitted) this.expectAuthentication();
    socket.setNoDelay(true);
    // Requests that wait while none runs wait for the client to read its answers.
    socket.setTimeout(Math.min(idleMs, MAX_NODE_TIMER_MS), () => {
      if (this.running === 0) socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk);
        this.watchArrival(frames);
      } catch (error) {
        this.end((error as FrameError).message);
      }
    });
    socket.on('drain', () => this.startNext());
    socket.on('close', () => {
      clearTimeout(this.arrival);
      this.waiting.length = 0;
      this.aborter.abort();
    });
  }

  /** Aborted when the connection has ended or is to drain. */
  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  get session(): Session {
    return this.options.session;
  }

  get clientHost(): string {
    return `/${this.options.socket.remoteAddress ?? ''}`;
  }

  /** Takes no more requests, answers those that are there, and ends. */
  async drain(): Promise<void> {
    this.draining = true;
    this.options.socket.pause();
    this.aborter.abort();
    if (this.running > 0 || this.waiting.length > 0) {
      await new Promise<void>((resolve) => {
        this.emptied = resolve;
      });
    }
    await this.answered;
    this.options.socket.destroySoon();
  }

  /** Ends at once. */
  destroy(): void {
    this.options.socket.destroy();
  }

  private expectAuthentication(): void {
    const { session, socket } = this.options;
    const timer = setTimeout(() => {
      if (!session.isAdmitted) this.end(`no authentication within ${AUTHENTICATION_TIMEOUT_MS} ms`);
    }, AUTHENTICATION_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** A part of a request is not waited for without end, however slowly more of it comes. */
  private watchArrival(frames: FrameSplitter): void {
    if (!frames.isPartial) {
      clearTimeout(this.arrival);
      this.arrival = undefined;
      return;
    }
    this.arrival ??= setTimeout(() => {
      this.arrival = undefined;
      // Not the client's fault while it is not read.
      if (this.options.socket.isPaused()) this.watchArrival(frames);
      else this.end(`a request did not arrive within ${ARRIVAL_TIMEOUT_MS} ms`);
    }, ARRIVAL_TIMEOUT_MS);
  }

  private accept(frame: Buffer): void {
    clearTimeout(this.arrival);
    this.arrival = undefined;
    if (this.options.socket.destroyed) return;
    this.heldBytes += frame.length;
    this.waiting.push(frame);
    this.startNext();
    if (this.isFull()) this.options.socket.pause();
  }

  private isFull(): boolean {
    return this.running + this.waiting.length >= MAX_REQUESTS || this.heldBytes >= MAX_REQUEST_BYTES;
  }

  private startNext(): void {
    const { runner, socket } = this.options;
    while (this.waiting.length > 0 && !this.runningAlone && socket.writableLength <= MAX_UNSENT_BYTES) {
      const pipelined = runner.isPipelined(this.waiting[0] as Buffer, this);
      if (this.running > 0 && !pipelined) return;
      this.runningAlone = !pipelined;
      this.start(this.waiting.shift() as Buffer);
    }
  }

  private start(frame: Buffer): void {
    this.running++;
    const outcome = this.options.runner.run(frame, this);
    const before = this.answered;
    this.answered = (async () => {
      const done = await outcome;
      await before;
      this.running--;
      this.runningAlone = false;
      this.heldBytes -= frame.length;
      this.send(done);
      this.startNext();
      if (!this.draining && !this.isFull() && this.options.socket.isPaused()) this.options.socket.resume();
      if (this.running === 0 && this.waiting.length === 0) this.emptied?.();
    })();
  }

  private send(outcome: Outcome): void {
    const { socket } = this.options;
    if (socket.destroyed) return;
    if (outcome.kind !== 'no-answer' && outcome.chunks.length > 0) {
      socket.cork();
      for (const chunk of outcome.chunks.slice(0, -1)) socket.write(chunk);
      const sent = outcome.kind === 'answer' ? outcome.sent : undefined;
      const taken = sent && ((error?: Error | null) => !error && sent());
      socket.write(outcome.chunks.at(-1) as Buffer, taken);
      socket.uncork();
    }
    if (outcome.kind === 'close') this.end(outcome.reason);
  }

  private end(reason: string): void {
    const { meter, limitedLogger, session } = this.options;
    const authenticated = session.refusal === undefined && session.isAdmitted;
    meter.turnedAway(authenticated ? 'protocol' : 'authentication');
    const message = authenticated
      ? 'connection closed by the broker'
      : 'client not authenticated, connection closed';
    limitedLogger.warn({ client: this.clientHost, reason }, message);
    this.waiting.length = 0;
    const { socket } = this.options;
    socket.destroySoon();
    // A client that does not read must not keep the connection from its end.
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }
}
