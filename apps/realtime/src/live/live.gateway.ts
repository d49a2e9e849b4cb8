import type { Refusal } from '@hailstream/events/live';
import { LIVE_FRAME_VERSION } from '@hailstream/events/live-binary';
import { FailedAuthentications, LOGGER, ProblemError } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { AuthError, requireScope } from '@hailstream/service/tokens';
import { Inject, type OnModuleDestroy } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { ExtendedError } from 'socket.io';
import { LiveMetrics } from '../metrics/live-metrics.service.js';
import {
  LiveWebSocketServer,
  SocketClient,
  noteSentBytes,
  sendToRoomOf,
  type LiveServer,
  type LiveSocket,
} from './client.socket.js';
import type { LiveLimits } from '../limits/live-limits.js';
import { liveParser } from './live.parser.js';
import { parseViewport, parseWatch, type Parsed } from './live.schema.js';
import { LiveService } from './live.service.js';
import { LIVE_LIMITS } from './live.tokens.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { CallerShares } from './caller-shares.js';
import { PendingConnections, type EngineConnection } from './pending-connections.js';

/** Maximum size of a message of a page; a viewport needs a tenth of this. */
const MAX_MESSAGE_BYTES = 4_096;

/** A connection that was not accepted as a page within this time is closed. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Connections that may wait for their token: those that are accepted within some ticks, and at least this many. */
const PENDING_TICKS = 4;
const MIN_PENDING = 500;

/** How often the tokens of connected pages are verified: a page is disconnected this long after its token expired, at most. */
const TOKEN_CHECK_MS = 5_000;

/** The socket.io gateway for pages. Only WebSocket is served, so that no session is bound to a process. */
@WebSocketGateway({
  transports: ['websocket'],
  serveClient: false,
  maxHttpBufferSize: MAX_MESSAGE_BYTES,
  connectTimeout: CONNECT_TIMEOUT_MS,
  parser: liveParser,
  wsEngine: LiveWebSocketServer,
})
export class LiveGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect, OnModuleDestroy {
  private readonly clients = new Map<LiveSocket, SocketClient>();
  private readonly shares: CallerShares;
  private readonly pending: PendingConnections;
  private readonly logger: Logger;
  private tokenTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly live: LiveService,
    private readonly sessions: SessionsService,
    private readonly metrics: LiveMetrics,
    private readonly failures: FailedAuthentications,
    @Inject(LIVE_LIMITS) private readonly limits: LiveLimits,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.shares = new CallerShares(limits);
    const accepted = PENDING_TICKS * limits.handshakesPerTick;
    this.pending = new PendingConnections(Math.max(MIN_PENDING, accepted));
    this.logger = logger.child({ component: 'gateway' });
  }

  afterInit(server: LiveServer): void {
    server.engine.on('connection', (connection: EngineConnection) => this.pending.add(connection));
    server.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => next(this.refusal(this.failures.count(error, socket.request))),
      );
    });
    this.live.start(sendToRoomOf(server, (sizeBytes) => this.metrics.countSentBytes(sizeBytes)));
    this.sessions.onRevoked(() => void this.checkCallers());
    this.tokenTimer = setInterval(() => void this.checkCallers(), TOKEN_CHECK_MS);
  }

  onModuleDestroy(): void {
    if (this.tokenTimer !== null) clearInterval(this.tokenTimer);
  }

  handleConnection(socket: LiveSocket): void {
    const client = new SocketClient(socket);
    this.clients.set(socket, client);
    noteSentBytes(socket, (sizeBytes) => this.metrics.countSentBytes(sizeBytes));
    // A client that knows another version is sent JSON.
    const binary = socket.handshake.auth['binary'] === LIVE_FRAME_VERSION;
    this.live.connect(client, socket.data.principal.providerId ?? null, { binary });
  }

  handleDisconnect(socket: LiveSocket): void {
    const client = this.clients.get(socket);
    if (client === undefined) return;
    this.clients.delete(socket);
    this.live.disconnect(client);
  }

  @SubscribeMessage('viewport')
  viewport(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'viewport', parseViewport(body), (client, value) =>
      this.live.viewport(client, value),
    );
  }

  @SubscribeMessage('watch')
  watch(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'watch', parseWatch(body), (client, value) => this.live.watch(client, value));
  }

  private handle<T>(
    socket: LiveSocket,
    message: 'viewport' | 'watch',
    parsed: Parsed<T>,
    act: (client: SocketClient, value: T) => void,
  ): void {
    const client = this.clients.get(socket);
    if (client === undefined) return;
    if (!client.meter.allow(Date.now())) {
      this.logger.warn({ socket: socket.id }, 'page disconnected: too many messages');
      socket.disconnect(true);
    } else if ('refusal' in parsed) {
      this.refuse(client, { message, code: 'INVALID', reason: parsed.refusal });
    } else if (!this.shares.allow(socket.data.caller.key, message, Date.now())) {
      const reason = `the clients of this caller send too many of these messages`;
      this.refuse(client, { message, code: 'TOO_MANY_MESSAGES', reason });
    } else {
      act(client, parsed.value);
    }
  }

  private refuse(client: SocketClient, refusal: Refusal): void {
    this.metrics.countRefusal(refusal.code);
    client.send('refused', refusal);
  }

  private async admit(socket: LiveSocket): Promise<void> {
    const { sockets, socketsPerToken } = this.limits;
    if (this.live.socketCount >= sockets) {
      throw new RefusedError('FULL', `this process already serves ${sockets} pages`);
    }
    const token: unknown = socket.handshake.auth['token'];
    const presented = typeof token === 'string' ? token : undefined;
    const caller = await this.sessions.identify(presented, socket.handshake.headers);
    const { principal, key } = caller;
    requireScope(principal, 'read');
    socket.data = { principal, caller };
    if (!this.shares.addSocket(key, this.live.socketCount)) {
      const reason = `this caller already has ${socketsPerToken} connections, or as many as are free for others`;
      throw new RefusedError('TOO_MANY_SOCKETS', reason);
    }
    const { conn } = socket;
    this.pending.remove(conn);
    // It may have been closed while the token was verified.
    if (conn.readyState === 'open') conn.once('close', () => this.shares.removeSocket(key));
    else this.shares.removeSocket(key);
  }

  /** The error that the page receives. */
  private refusal(error: unknown): ExtendedError {
    if (error instanceof ProblemError)
      return this.refusal(new RefusedError('TOO_MANY_FAILURES', error.message));
    if (error instanceof AuthError || error instanceof RefusedError) {
      this.metrics.countRefusal(error.code);
      return Object.assign(new Error(error.message), { data: { code: error.code } });
    }
    this.logger.error({ err: error }, 'accepting a socket failed');
    return Object.assign(new Error('internal error'), { data: { code: 'FAILED' } });
  }

  /** Disconnects pages whose token or session is no longer valid. */
  private async checkCallers(): Promise<void> {
    for (const socket of this.clients.keys()) {
      if (!(await socket.data.caller.isValid())) socket.disconnect(true);
    }
  }
}

/** A page that is not accepted. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(
    readonly code: 'FULL' | 'TOO_MANY_SOCKETS' | 'TOO_MANY_FAILURES',
    message: string,
  ) {
    super(message);
  }
}
