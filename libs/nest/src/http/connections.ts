import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isCrumbled } from '@hailstream/service/fragments';
import { BoundedConnections, type ConnectionLimits } from './connection-limits.js';

/** Time limit for complete requests after the server was closed: longer than the delivery timeout of the log. */
const RUNNING_REQUEST_GRACE_MS = 35_000;

/** Time limit for incomplete requests and upgraded connections after the server was closed. */
const ARRIVING_REQUEST_GRACE_MS = 5_000;

/** How long, and how many bytes, the rest of a request is read after the response, so that the sender can read that. */
const LINGER_MS = 10_000;
const LINGER_BYTES = 64 * 1_048_576;

/** Maximum rest of a request that is read to keep the connection; with more, the response closes it. */
const MAX_DRAINED_BYTES = 1_048_576;

/** How long the sender of many small fragments can read the response: nothing more is read of it. */
const UNREAD_GRACE_MS = 1_000;

/**
 * Maximum number of requests of a connection that are not answered yet. A sender that writes requests without waiting for
 * responses (pipelining) gets its connection closed beyond it, because each of them uses memory.
 */
const MAX_PIPELINED = 100;

/** How long {@link Connections} wait after the server was closed. */
interface Graces {
  /** @default RUNNING_REQUEST_GRACE_MS */
  readonly runningRequestMs: number;
  /** @default ARRIVING_REQUEST_GRACE_MS */
  readonly arrivingRequestMs: number;
}

const GRACES: Graces = {
  runningRequestMs: RUNNING_REQUEST_GRACE_MS,
  arrivingRequestMs: ARRIVING_REQUEST_GRACE_MS,
};

interface ConnectionsOptions {
  readonly graces?: Graces;
  /** @default no limits */
  readonly limits?: ConnectionLimits;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Requests of the connection that are not answered. */
  readonly open: { count: number };
}

/**
 * The connections of an HTTP server. When the server is closed, connections without a request are closed immediately, and
 * the others after their grace period, so that an inactive client cannot delay the shutdown. If a request is answered
 * before it was received completely, its connection is closed as RFC 9112, section 9.6 requires: first the write side,
 * then the rest of the request is read and discarded, without being parsed, for a limited time. If it arrives in many small
 * fragments, each of which costs a read, nothing more is read. Closing a connection with unread bytes resets it,
 * and the sender may not receive the response.
 */
export class Connections {
  private readonly sockets = new Set<Socket>();
  /** The request of a connection that is received last, while any is not answered. */
  private readonly exchanges = new WeakMap<Socket, Exchange>();
  private readonly upgraded = new WeakSet<Socket>();
  private readonly lingering = new WeakSet<Socket>();
  private readonly graces: Graces;
  private readonly bounded: BoundedConnections | undefined;
  private draining = false;

  /** Tracks the connections of a server. Its `close()` then closes them. */
  constructor(server: Server, { graces = GRACES, limits }: ConnectionsOptions = {}) {
    this.graces = graces;
    this.bounded =
      limits === undefined ? undefined : new BoundedConnections(limits, (socket) => this.isIdle(socket));
    server.on('connection', (socket: Socket) => this.addSocket(socket));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
      this.addExchange(request, response),
    );
    // An `upgrade` listener takes over the sockets from Node, so it is added only if the app adds one.
    const onNewListener = (event: string): void => {
      if (event !== 'upgrade') return;
      server.off('newListener', onNewListener);
      server.on('upgrade', ({ socket }: IncomingMessage) => void this.upgraded.add(socket));
    };
    server.on('newListener', onNewListener);
    const close = server.close.bind(server);
    server.close = (callback) => {
      this.drain();
      return close(callback);
    };
  }

  /** Whether the response to the request that is being received on a connection has started. */
  isAnswered(socket: Socket): boolean {
    return this.exchanges.get(socket)?.response.headersSent ?? this.lingering.has(socket);
  }

  private addSocket(socket: Socket): void {
    this.bounded?.add(socket);
    if (socket.destroyed) return;
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => {
      const request = this.exchanges.get(socket)?.request;
      if (request === undefined || request.complete) destroySoon();
      else this.linger(socket);
    };
  }

  private addExchange(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const open = this.exchanges.get(socket)?.open ?? { count: 0 };
    const exchange: Exchange = { request, response, open };
    open.count += 1;
    if (open.count > MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    this.exchanges.set(socket, exchange);
    response.once('close', () => {
      open.count -= 1;
      if (this.exchanges.get(socket) === exchange) this.exchanges.delete(socket);
      if (this.lingering.has(socket)) return;
      if (this.draining) socket.destroySoon();
      else if (!request.complete) this.readRest(socket, request);
    });
  }

  /** The rest of a small request is read to keep the connection. */
  private readRest(socket: Socket, request: IncomingMessage): void {
    readOn(socket, () => {
      if (request.complete) return;
      const end = discard(socket, () => this.leaveUnread(socket));
      request.once('close', end);
    });
  }

  private linger(socket: Socket): void {
    if (this.lingering.has(socket)) return;
    this.lingering.add(socket);
    socket.end();
    readOn(socket, () => {
      // The parser would call a function for each chunk of the body, of which a read may have ten thousand.
      socket.removeAllListeners('data');
      discard(socket, () => this.leaveUnread(socket));
    });
    destroyAfter(socket, LINGER_MS);
    socket.once('end', () => socket.destroy());
  }

  /** Reads nothing more of a connection, and closes it as soon as its sender could read the response. */
  private leaveUnread(socket: Socket): void {
    this.lingering.add(socket);
    socket.end();
    socket.removeAllListeners('data');
    socket.pause();
    destroyAfter(socket, UNREAD_GRACE_MS);
  }

  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    for (const socket of this.sockets) {
      const exchange = this.exchanges.get(socket);
      if (exchange !== undefined) closeAfter(exchange);
      else if (!this.upgraded.has(socket) && !this.lingering.has(socket)) socket.destroy();
    }
    this.destroyAfter(this.graces.arrivingRequestMs, (socket) => !this.isRunning(socket));
    this.destroyAfter(this.graces.runningRequestMs, () => true);
  }

  private isIdle(socket: Socket): boolean {
    return !this.exchanges.has(socket) && !this.upgraded.has(socket);
  }

  private isRunning(socket: Socket): boolean {
    return this.exchanges.get(socket)?.request.complete ?? false;
  }

  private destroyAfter(delayMs: number, isDue: (socket: Socket) => boolean): void {
    // Open sockets keep the process running; the timer need not.
    setTimeout(() => {
      for (const socket of this.sockets) {
        if (isDue(socket)) socket.destroy();
      }
    }, delayMs).unref();
  }
}

/** Reads on if the request has paused its connection. Until then, a listener would keep Node from doing so. */
function readOn(socket: Socket, listen: () => void): void {
  socket.resume();
  setImmediate(() => {
    if (!socket.destroyed) listen();
  });
}

/** Calls `onEnough` if a connection receives many small fragments, or too many bytes. Returns a function that ends the count. */
function discard(socket: Socket, onEnough: () => void): () => void {
  let fragments = 0;
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    fragments += 1;
    bytes += chunk.length;
    if (bytes <= LINGER_BYTES && !isCrumbled({ fragments, bytes })) return;
    socket.off('data', count);
    onEnough();
  };
  socket.on('data', count);
  return () => socket.off('data', count);
}

function destroyAfter(socket: Socket, delayMs: number): void {
  const timer = setTimeout(() => socket.destroy(), delayMs);
  socket.once('close', () => clearTimeout(timer));
}

function closeAfter({ response }: Exchange): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

/** Whether the rest of a request may exceed {@link MAX_DRAINED_BYTES}, so that its response closes the connection. */
export function hasLargeRest(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const { 'content-length': length } = request.headers;
  return length === undefined || Number(length) > MAX_DRAINED_BYTES;
}
