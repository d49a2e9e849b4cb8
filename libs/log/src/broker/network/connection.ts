import type { Socket } from 'node:net';
import { MAX_NODE_TIMER_MS } from '@hailstream/service/timers';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Meter } from '../metrics/meter.js';
import type { Session } from '../security/session.js';
import { type FrameError, type FrameMemory, FrameSplitter } from './frames.js';

/** Maximum number of requests of a connection that wait or are handled. At this limit the socket is not read. */
const MAX_REQUESTS = 64;
/** Maximum number of bytes of these requests. */
const MAX_REQUEST_BYTES = 32 << 20;
/** Maximum number of bytes of unsent responses before the next request is handled. */
const MAX_UNSENT_BYTES = 4 << 20;

/** Time limit for authentication. */
const AUTHENTICATION_TIMEOUT_MS = 10_000;

/** Time limit for the rest of a request after its first bytes. */
const ARRIVAL_TIMEOUT_MS = 120_000;

/** Time limit for the client to read the last bytes of a connection that is closed. */
const LINGER_MS = 5_000;

/** Outcome of a request. */
export type Outcome =
  | {
      readonly kind: 'answer';
      readonly chunks: readonly Buffer[];
      /** Called once the chunks are written to the socket; not called if the connection is closed before. */
      readonly sent?: () => void;
      /** Called instead of `sent` if the connection is closed before. */
      readonly dropped?: () => void;
    }
  /** The client expects no response. */
  | { readonly kind: 'no-answer' }
  /** Closes the connection, after sending these bytes. */
  | { readonly kind: 'close'; readonly reason: string; readonly chunks: readonly Buffer[] };

/** Handles one request. */
export interface RequestRunner {
  /** Whether later requests may be handled before this one is answered. Nothing refers to its bytes afterwards. */
  isPipelined(frame: Buffer, connection: Connection): boolean;
  run(frame: Buffer, connection: Connection): Promise<Outcome>;
  /** Memory of requests. */
  readonly memory?: FrameMemory;
}

interface ConnectionOptions {
  /** Already has an error listener. */
  readonly socket: Socket;
  readonly runner: RequestRunner;
  readonly meter: Meter;
  readonly limitedLogger: RateLimitedLogger;
  readonly session: Session;
  readonly maxRequestBytes: () => number;
  /** The same before authentication. */
  readonly maxTokenBytes: number;
  readonly idleMs: number;
  /** Called with the bytes of a request that has arrived in part whenever they change. */
  readonly onArriving: (connection: Connection, bytes: number) => void;
}

/**
 * The connection of one client. Requests are handled one at a time, except that pipelined ones may overlap with later
 * requests of the same API, and are answered in the order of arrival. While a client does not read its responses, its
 * requests are not read.
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
  /** Set while a request has arrived in part. */
  private arrival: NodeJS.Timeout | undefined;
  /** Bytes of that part. */
  private arrivingBytes = 0;

  constructor(private readonly options: ConnectionOptions) {
    const { socket, session, runner, maxRequestBytes, maxTokenBytes, idleMs } = options;
    const maxBytes = () => (session.isAdmitted ? maxRequestBytes() : maxTokenBytes);
    const frames = new FrameSplitter(maxBytes, (frame) => this.accept(frame), runner.memory);
    if (!session.isAdmitted) this.expectAuthentication();
    socket.setNoDelay(true);
    // If requests wait while none is handled, they wait for the client to read its responses.
    socket.setTimeout(Math.min(idleMs, MAX_NODE_TIMER_MS), () => {
      if (this.running === 0) socket.destroy();
    });
    // The chunk is valid until the listener returns.
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk);
        this.watchArrival(frames);
        this.reportArriving(frames.partialBytes);
      } catch (error) {
        this.end((error as FrameError).message);
      }
    });
    socket.on('drain', () => this.startNext());
    socket.on('close', () => {
      clearTimeout(this.arrival);
      this.waiting.length = 0;
      this.reportArriving(0);
      this.aborter.abort();
    });
  }

  /** Aborted when the connection is closed or drains. */
  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  get session(): Session {
    return this.options.session;
  }

  /** Bytes of responses that the client has not read. */
  get unsentBytes(): number {
    return this.options.socket.writableLength;
  }

  /** Bytes that the client has read, or that are in the buffers of the operating system. */
  get flushedBytes(): number {
    const { bytesWritten, writableLength } = this.options.socket;
    return bytesWritten - writableLength;
  }

  get clientHost(): string {
    return `/${this.options.socket.remoteAddress ?? ''}`;
  }

  /** Accepts no more requests, answers those received, and closes the connection. */
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

  /** Closes the connection at once. */
  destroy(): void {
    this.options.socket.destroy();
  }

  private expectAuthentication(): void {
    const { session, socket } = this.options;
    const timer = setTimeout(() => {
      if (!session.isAdmitted) this.end(`not authenticated within ${AUTHENTICATION_TIMEOUT_MS} ms`);
    }, AUTHENTICATION_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** Limits the time for a request to arrive completely. */
  private watchArrival(frames: FrameSplitter): void {
    if (!frames.isPartial) {
      clearTimeout(this.arrival);
      this.arrival = undefined;
      return;
    }
    this.arrival ??= setTimeout(() => {
      this.arrival = undefined;
      // The socket is paused: the rest may have arrived.
      if (this.options.socket.isPaused()) this.watchArrival(frames);
      else this.end(`request incomplete after ${ARRIVAL_TIMEOUT_MS} ms`);
    }, ARRIVAL_TIMEOUT_MS);
  }

  private reportArriving(bytes: number): void {
    if (bytes === this.arrivingBytes) return;
    this.arrivingBytes = bytes;
    this.options.onArriving(this, bytes);
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
      this.start(this.waiting.shift() as Buffer, pipelined);
    }
  }

  private start(frame: Buffer, pipelined: boolean): void {
    this.running++;
    const outcome = this.options.runner.run(frame, this);
    const before = this.answered;
    this.answered = (async () => {
      const done = await outcome;
      await before;
      this.running--;
      this.runningAlone = false;
      this.heldBytes -= frame.length;
      // Other requests may have parts in the state of the broker.
      if (pipelined) this.options.runner.memory?.release(frame);
      this.send(done);
      this.startNext();
      if (!this.draining && !this.isFull() && this.options.socket.isPaused()) this.options.socket.resume();
      if (this.running === 0 && this.waiting.length === 0) this.emptied?.();
    })();
  }

  private send(outcome: Outcome): void {
    const { socket } = this.options;
    const { sent, dropped } = outcome.kind === 'answer' ? outcome : {};
    if (socket.destroyed) return dropped?.();
    if (outcome.kind !== 'no-answer' && outcome.chunks.length > 0) {
      socket.cork();
      for (const chunk of outcome.chunks.slice(0, -1)) socket.write(chunk);
      const onWritten = sent && ((error?: Error | null) => (error ? dropped?.() : sent()));
      socket.write(outcome.chunks.at(-1) as Buffer, onWritten);
      socket.uncork();
    }
    if (outcome.kind === 'close') this.end(outcome.reason);
  }

  private end(reason: string): void {
    const { meter, limitedLogger, session } = this.options;
    const authenticated = session.rejection === undefined && session.isAdmitted;
    meter.rejected(authenticated ? 'protocol' : 'authentication');
    const message = authenticated
      ? 'connection closed after an invalid request'
      : 'authentication failed, connection closed';
    limitedLogger.warn({ client: this.clientHost, reason }, message);
    this.waiting.length = 0;
    const { socket } = this.options;
    socket.destroySoon();
    // A client that does not read must not keep the connection open.
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }
}
