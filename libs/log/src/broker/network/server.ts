import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { Logger } from 'pino';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Meter } from '../metrics/meter.js';
import type { Security } from '../security/security.js';
import { ArrivingRequests } from './arriving-requests.js';
import { Connection, type RequestRunner } from './connection.js';
import { withReusedReads } from './reused-reads.js';
import { SlowReaders } from './slow-readers.js';
import { remoteOf, UnauthenticatedSockets, type Remote } from './unauthenticated-sockets.js';

/**
 * Maximum number of connections that are not authenticated yet. Above it, one is closed in favour of the next: the oldest
 * one of the address with the most of them.
 */
const MAX_UNAUTHENTICATED = 1_000;
/** Interval of the checks for clients that do not read their responses. */
const SLOW_READER_CHECK_MS = 1_000;
/** Time limit for a TLS handshake. */
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/** The broker cannot listen on its address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  readonly limitedLogger: RateLimitedLogger;
  readonly meter: Meter;
  readonly security: Security;
  readonly maxRequestBytes: () => number;
  readonly maxTokenBytes: number;
  readonly maxConnections: () => number;
  readonly maxConnectionsPerAddress: () => number;
  /** Maximum number of sockets that the limit on open files allows. */
  readonly maxSockets: number;
  readonly idleMs: number;
  /** @default 10 s */
  readonly tlsHandshakeTimeoutMs?: number;
  /** @default 1,000 */
  readonly maxUnauthenticated?: number;
  /** Maximum number of bytes of requests that have arrived in part. @default 256 MiB */
  readonly maxArrivingBytes?: number;
}

/** The listening socket and its connections. */
export class BrokerServer {
  private readonly server: net.Server;
  /** All connected sockets, also those that are not served yet. */
  private readonly sockets = new Set<net.Socket>();
  private readonly countByAddress = new Map<string, number>();
  /** Sockets of clients that are not authenticated yet. */
  private readonly unauthenticated = new UnauthenticatedSockets();
  private readonly connections = new Set<Connection>();
  private readonly slowReaders = new SlowReaders<Connection>();
  private readonly arriving: ArrivingRequests<Connection>;
  private readonly slowReaderCheck: NodeJS.Timeout;
  /** Sockets that connected before the log was loaded. */
  private early: net.Socket[] = [];
  private runner: RequestRunner | undefined;

  constructor(private readonly options: ServerOptions) {
    this.arriving = new ArrivingRequests(options.maxArrivingBytes);
    this.server = makeServer(options);
    this.slowReaderCheck = setInterval(() => this.closeSlowReaders(), SLOW_READER_CHECK_MS).unref();
    if (options.security.tls) {
      this.server.on('connection', (socket) => this.admit(socket));
      this.server.on('secureConnection', (socket: net.Socket) => this.welcome(socket));
    } else {
      this.server.on('connection', (accepted) => {
        const socket = withReusedReads(accepted);
        this.admit(socket);
        this.welcome(socket);
      });
    }
  }

  /** Serves a socket that was admitted, as soon as the log is loaded. */
  private welcome(socket: net.Socket): void {
    if (socket.destroyed) return;
    socket.on('error', (err) => this.options.logger.debug({ err }, 'connection failed'));
    if (this.runner === undefined) this.early.push(socket);
    else this.connect(socket, this.runner);
  }

  /** Accepts the socket, or closes it if a limit is reached. */
  private admit(socket: net.Socket): void {
    const { maxConnections, maxConnectionsPerAddress, maxSockets, meter, limitedLogger } = this.options;
    const address = socket.remoteAddress ?? '';
    const fromAddress = this.countByAddress.get(address) ?? 0;
    const limit =
      this.sockets.size >= maxConnections()
        ? 'max.connections'
        : fromAddress >= maxConnectionsPerAddress()
          ? 'max.connections.per.ip'
          : this.sockets.size >= maxSockets
            ? 'limit on open files (ulimit -n)'
            : undefined;
    if (limit !== undefined) {
      socket.destroy();
      meter.rejected('limit');
      limitedLogger.error({ limit }, `${limit} reached, connections rejected`);
      return;
    }
    meter.connected();
    this.sockets.add(socket);
    this.countByAddress.set(address, fromAddress + 1);
    const remote = remoteOf(socket);
    if (this.options.security.asksClients) this.expectAuthentication(socket, remote);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.unauthenticated.delete(remote);
      const left = (this.countByAddress.get(address) ?? 1) - 1;
      if (left > 0) this.countByAddress.set(address, left);
      else this.countByAddress.delete(address);
    });
  }

  /** Leaves room for other clients, however many sockets an address opens without authenticating. */
  private expectAuthentication(socket: net.Socket, remote: Remote): void {
    const { maxUnauthenticated = MAX_UNAUTHENTICATED, meter, limitedLogger } = this.options;
    this.unauthenticated.add(socket, remote);
    if (this.unauthenticated.size <= maxUnauthenticated) return;
    const closed = this.unauthenticated.takeOldestOfBusiest();
    closed.socket.destroy();
    meter.rejected('limit');
    const client = `/${closed.address}`;
    limitedLogger.warn(
      { limit: maxUnauthenticated, client },
      'too many unauthenticated connections, oldest one closed',
    );
  }

  private closeSlowReaders(): void {
    const { meter, limitedLogger } = this.options;
    for (const connection of this.slowReaders.find(this.connections, performance.now())) {
      const { clientHost: client, unsentBytes } = connection;
      connection.destroy();
      meter.rejected('limit');
      limitedLogger.warn({ client, unsentBytes }, 'client does not read its responses, connection closed');
    }
  }

  /** Bounds the memory of requests whose rest does not arrive. */
  private watchArriving(connection: Connection, arrived: { address: string; bytes: number }): void {
    const surplus = this.arriving.set(connection, arrived);
    if (surplus === undefined) return;
    const { meter, limitedLogger } = this.options;
    const client = surplus.clientHost;
    surplus.destroy();
    meter.rejected('limit');
    limitedLogger.warn(
      { client },
      'requests that have arrived in part use too much memory, oldest one closed',
    );
  }

  /** Binds the port, so that it is known before clients are served. @throws ListenError */
  async listen(): Promise<number> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
        reject(new ListenError(`cannot listen on ${host}:${port}: ${why}`, { cause }));
      });
      this.server.listen({ host, port }, resolve);
    });
    return (this.server.address() as net.AddressInfo).port;
  }

  get connectionCount(): number {
    return this.sockets.size;
  }

  /** Serves the clients that have connected, and those that will. */
  serve(runner: RequestRunner): void {
    this.runner = runner;
    for (const socket of this.early) if (!socket.destroyed) this.connect(socket, runner);
    this.early = [];
  }

  /** Answers the requests in progress, for at most `timeoutMs`, and closes all connections. */
  async drain(withinMs: number): Promise<void> {
    this.server.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([Promise.all([...this.connections].map((connection) => connection.drain())), late]);
    clearTimeout(timer);
    await this.destroy();
  }

  /** Closes all connections at once. */
  async destroy(): Promise<void> {
    clearInterval(this.slowReaderCheck);
    const closed = new Promise<void>((resolve) => {
      if (this.server.listening) this.server.close(() => resolve());
      else resolve();
    });
    const socketsClosed = [...this.sockets].map((socket) => once(socket, 'close'));
    for (const connection of this.connections) connection.destroy();
    for (const socket of this.sockets) socket.destroy();
    await Promise.all([closed, ...socketsClosed]);
  }

  private connect(socket: net.Socket, runner: RequestRunner): void {
    const { security, ...options } = this.options;
    const session = security.newSession(socket);
    const remote = remoteOf(socket);
    session.onAdmitted = () => this.unauthenticated.delete(remote);
    if (session.isAdmitted) session.onAdmitted();
    const { address } = remote;
    const onArriving = (from: Connection, bytes: number) => this.watchArriving(from, { address, bytes });
    const connection = new Connection({ ...options, socket, runner, session, onArriving });
    this.connections.add(connection);
    socket.once('close', () => this.connections.delete(connection));
  }
}

function makeServer(options: ServerOptions): net.Server {
  const { security, limitedLogger, meter, tlsHandshakeTimeoutMs = TLS_HANDSHAKE_TIMEOUT_MS } = options;
  // Keep-alive detects clients whose machine is down: they may have a request that waits.
  const socketOptions = { noDelay: true, keepAlive: true };
  if (security.tls === undefined) return net.createServer({ ...socketOptions, pauseOnConnect: true });
  const server = tls.createServer({
    ...socketOptions,
    ...security.tls,
    handshakeTimeout: tlsHandshakeTimeoutMs,
  });
  server.on('tlsClientError', (err, socket) => {
    // Node leaves the socket open after a handshake timeout.
    socket.destroy();
    meter.rejected('authentication');
    limitedLogger.warn({ err, client: `/${socket.remoteAddress ?? ''}` }, 'TLS handshake failed');
  });
  return server;
}
