import type { ClientToServer } from '@hailstream/events/live';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { AuthError, requireScope, TokenVerifier } from '@hailstream/service/tokens';
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
import { SocketClient, sendToRoomOf, type LiveServer, type LiveSocket } from './client.socket.js';
import { liveParser } from './live.parser.js';
import { parseViewport, parseWatch, type Parsed } from './live.schema.js';
import { LiveService } from './live.service.js';
import { MessageMeter } from './message-meter.js';

/** Most pages one process serves; a further one is told so. */
export const MAX_SOCKETS = 5_000;

/** Largest message a page sends: a viewport is a tenth of this. */
const MAX_MESSAGE_BYTES = 4_096;

/** How often the tokens of connected pages are looked at again: so long after it expired a token may still see. */
const TOKEN_CHECK_MS = 5_000;

/** What the realtime service and the page say to each other, over WebSocket alone: any process can answer any page. */
@WebSocketGateway({
  transports: ['websocket'],
  serveClient: false,
  maxHttpBufferSize: MAX_MESSAGE_BYTES,
  parser: liveParser,
})
export class LiveGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect, OnModuleDestroy {
  private readonly clients = new Map<LiveSocket, { client: SocketClient; meter: MessageMeter }>();
  private readonly logger: Logger;
  private tokenTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly live: LiveService,
    private readonly verifier: TokenVerifier,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'gateway' });
  }

  afterInit(server: LiveServer): void {
    server.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => next(this.refusal(error)),
      );
    });
    this.live.start(sendToRoomOf(server));
    this.tokenTimer = setInterval(() => void this.checkTokens(), TOKEN_CHECK_MS);
  }

  onModuleDestroy(): void {
    if (this.tokenTimer !== null) clearInterval(this.tokenTimer);
  }

  handleConnection(socket: LiveSocket): void {
    const client = new SocketClient(socket);
    this.clients.set(socket, { client, meter: new MessageMeter() });
    this.live.connect(client, socket.data.principal.providerId ?? null);
  }

  handleDisconnect(socket: LiveSocket): void {
    const known = this.clients.get(socket);
    if (known === undefined) return;
    this.clients.delete(socket);
    this.live.disconnect(known.client);
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
    message: keyof ClientToServer,
    parsed: Parsed<T>,
    act: (client: SocketClient, value: T) => void,
  ): void {
    const known = this.clients.get(socket);
    if (known === undefined) return;
    if (!known.meter.take(Date.now())) {
      this.logger.warn({ socket: socket.id }, 'too many messages: disconnected');
      socket.disconnect(true);
    } else if ('refusal' in parsed) {
      known.client.send('refused', { message, reason: parsed.refusal });
    } else {
      act(known.client, parsed.value);
    }
  }

  private async admit(socket: LiveSocket): Promise<void> {
    if (this.live.socketCount >= MAX_SOCKETS) {
      throw new RefusedError('FULL', `this process serves ${MAX_SOCKETS} pages already`);
    }
    const token: unknown = socket.handshake.auth['token'];
    const given = typeof token === 'string' ? token : undefined;
    const principal = await this.verifier.verify(given);
    requireScope(principal, 'read');
    socket.data = { principal, token: given };
  }

  /** The error as the page gets it: its message can be shown, its code acted upon. */
  private refusal(error: unknown): ExtendedError {
    if (error instanceof AuthError || error instanceof RefusedError) {
      return Object.assign(new Error(error.message), { data: { code: error.code } });
    }
    this.logger.error({ err: error }, 'a socket could not be admitted');
    return Object.assign(new Error('the service failed'), { data: { code: 'FAILED' } });
  }

  /** Lets go of pages whose token no longer holds. */
  private async checkTokens(): Promise<void> {
    for (const socket of this.clients.keys()) {
      try {
        await this.verifier.verify(socket.data.token);
      } catch (error) {
        // Keys that can't be had now are not the page's fault.
        if (error instanceof AuthError && error.code !== 'KEYS_UNAVAILABLE') socket.disconnect(true);
      }
    }
  }
}

/** A page that can't be served. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(
    readonly code: 'FULL',
    message: string,
  ) {
    super(message);
  }
}
