import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Longest that a complete request may still run once its server closes: a little more than the log may take. */
export const RUNNING_REQUEST_GRACE_MS = 35_000;

/** Longest that a request may still arrive, and an upgraded connection may say goodbye, once its server closes. */
export const ARRIVING_REQUEST_GRACE_MS = 5_000;

/** Longest, and most bytes, that the rest of a request is read after its answer, so that the sender can read it. */
export const LINGER_MS = 10_000;
export const LINGER_BYTES = 64 * 1_048_576;

/** Largest rest of a request that is read in order to keep the connection; else the answer closes it. */
export const MAX_DRAINED_BYTES = 1_048_576;

const LINGER_POLL_MS = 50;

/** What {@link Connections} wait for when their server closes. */
export interface Graces {
  /** @default RUNNING_REQUEST_GRACE_MS */
  readonly runningRequestMs: number;
  /** @default ARRIVING_REQUEST_GRACE_MS */
  readonly arrivingRequestMs: number;
}

const GRACES: Graces = {
  runningRequestMs: RUNNING_REQUEST_GRACE_MS,
  arrivingRequestMs: ARRIVING_REQUEST_GRACE_MS,
};

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * The connections of an HTTP server. When the server closes, connections without a request are ended at once, and
 * requests within their grace: nobody holds a shutdown by staying silent. When a request is answered before all of it
 * has come, its connection is closed as RFC 9112, section 9.6 asks: the write side first, then the rest is read and
 * dropped for a while. A connection that is closed with unread bytes is reset, and the sender may lose the answer.
 */
export class Connections {
  private readonly sockets = new Set<Socket>();
  private readonly exchanges = new WeakMap<Socket, Exchange>();
  private readonly upgraded = new WeakSet<Socket>();
  private readonly lingering = new WeakSet<Socket>();
  private draining = false;

  /** Takes care of a server's connections from now on; its `close()` ends them. */
  constructor(
    server: Server,
    private readonly graces: Graces = GRACES,
  ) {
    server.on('connection', (socket: Socket) => this.addSocket(socket));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
      this.addExchange({ request, response }),
    );
    // With a listener, Node would emit sockets that nothing handles.
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

  /** Whether an answer to the request that is arriving on a connection has begun. */
  isAnswered(socket: Socket): boolean {
    return this.exchanges.get(socket)?.response.headersSent ?? this.lingering.has(socket);
  }

  private addSocket(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => {
      const request = this.exchanges.get(socket)?.request;
      if (request === undefined || request.complete) destroySoon();
      else this.linger(socket, request);
    };
  }

  private addExchange(exchange: Exchange): void {
    const { request, response } = exchange;
    const { socket } = request;
    this.exchanges.set(socket, exchange);
    response.once('close', () => {
      if (this.exchanges.get(socket) === exchange) this.exchanges.delete(socket);
      if (this.draining && !this.lingering.has(socket)) socket.destroySoon();
    });
  }

  private linger(socket: Socket, request: IncomingMessage): void {
    if (this.lingering.has(socket)) return;
    this.lingering.add(socket);
    const { bytesRead } = socket;
    const giveUpAt = performance.now() + LINGER_MS;
    socket.end();
    request.resume();
    const timer = setInterval(() => {
      const isDone = request.complete && socket.writableFinished;
      const isEnough = socket.bytesRead - bytesRead > LINGER_BYTES || performance.now() > giveUpAt;
      if (isDone || isEnough) socket.destroy();
    }, LINGER_POLL_MS);
    socket.once('end', () => socket.destroy());
    socket.once('close', () => clearInterval(timer));
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

  private isRunning(socket: Socket): boolean {
    return this.exchanges.get(socket)?.request.complete ?? false;
  }

  private destroyAfter(delayMs: number, isDue: (socket: Socket) => boolean): void {
    // The sockets keep the process, not the timer.
    setTimeout(() => {
      for (const socket of this.sockets) {
        if (isDue(socket)) socket.destroy();
      }
    }, delayMs).unref();
  }
}

function closeAfter({ response }: Exchange): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

/** Whether so much of a request may still come that its answer should close the connection. */
export function hasLargeRest(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const { 'content-length': length } = request.headers;
  return length === undefined || Number(length) > MAX_DRAINED_BYTES;
}
