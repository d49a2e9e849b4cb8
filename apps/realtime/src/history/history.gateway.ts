import type { ClientToServer, HistoryCloseCode, HistoryViewport, OpenHistory } from '@hailstream/events/live';
import { Inject, type OnModuleDestroy } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { hasRoom } from '../limits/callers.js';
import { SocketClient, type LiveSocket } from '../live/client.socket.js';
import { parseViewport, type Parsed } from '../live/live.schema.js';
import { TICK_MS } from '../live/live.tokens.js';
import { HistoryMetrics } from '../metrics/history-metrics.service.js';
import type { HistoryLimits } from '../limits/history-limits.js';
import { HistorySession } from './history-session.js';
import { parseOpen, parsePlay, parseSeek, parseWatched } from './history.schema.js';
import { closeCodeOf, HistoryError } from '../query/history.errors.js';
import { HistoryService } from './history.service.js';
import { HISTORY_LIMITS } from './history.tokens.js';

/** A socket that has opened a session. */
interface HistoryClient {
  readonly client: SocketClient;
  session: HistorySession | null;
}

/** The messages of history sessions, on the sockets of the live view. */
@WebSocketGateway()
export class HistoryGateway implements OnGatewayDisconnect, OnModuleDestroy {
  private readonly clients = new Map<LiveSocket, HistoryClient>();

  constructor(
    private readonly history: HistoryService,
    private readonly metrics: HistoryMetrics,
    @Inject(TICK_MS) private readonly tickMs: number,
    @Inject(HISTORY_LIMITS) private readonly limits: HistoryLimits,
  ) {}

  handleDisconnect(socket: LiveSocket): void {
    this.clients.get(socket)?.session?.close('CLOSED', null);
    this.clients.delete(socket);
  }

  onModuleDestroy(): void {
    for (const { session } of this.clients.values()) session?.close('CLOSED', null);
  }

  @SubscribeMessage('openHistory')
  open(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'openHistory', parseOpen(body), (of, request) => {
      if (this.maySee(socket, of, 'openHistory', request.viewport)) this.openSession(socket, of, request);
    });
  }

  @SubscribeMessage('seekHistory')
  seek(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'seekHistory', parseSeek(body), ({ session }, request) => session?.seekTo(request));
  }

  @SubscribeMessage('playHistory')
  play(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'playHistory', parsePlay(body), ({ session }, { speed }) => session?.play(speed));
  }

  @SubscribeMessage('pauseHistory')
  pause(@ConnectedSocket() socket: LiveSocket): void {
    this.handle(socket, 'pauseHistory', { value: null }, ({ session }) => session?.pause());
  }

  @SubscribeMessage('historyViewport')
  viewport(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'historyViewport', parseViewport(body), (of, value) => {
      if (this.maySee(socket, of, 'historyViewport', value)) of.session?.setViewport(value);
    });
  }

  @SubscribeMessage('watchHistory')
  watch(@ConnectedSocket() socket: LiveSocket, @MessageBody() body: unknown): void {
    this.handle(socket, 'watchHistory', parseWatched(body), ({ session }, vehicle) =>
      session?.watch(vehicle),
    );
  }

  @SubscribeMessage('closeHistory')
  close(@ConnectedSocket() socket: LiveSocket): void {
    this.handle(socket, 'closeHistory', { value: null }, ({ session }) =>
      session?.close('CLOSED', 'closed by the page'),
    );
  }

  /** Refuses the provider of a viewport if the token is limited to another one. */
  private maySee(
    socket: LiveSocket,
    { client }: HistoryClient,
    message: keyof ClientToServer,
    { providerId }: HistoryViewport,
  ): boolean {
    const filter = socket.data.principal.providerId;
    if (filter === undefined || providerId === undefined || providerId === filter) return true;
    const reason = `the token is limited to the provider ${filter}`;
    client.send('refused', { message, code: 'FORBIDDEN', reason });
    return false;
  }

  private openSession(socket: LiveSocket, of: HistoryClient, request: OpenHistory): void {
    of.session?.close('CLOSED', null);
    const { principal, caller } = socket.data;
    try {
      this.requireRoom(caller.key);
      if (this.history.limits(request.by) === null) {
        throw new HistoryError('NOTHING_RECORDED', 'the log has no event that can be shown yet');
      }
    } catch (error) {
      const code = closeCodeOf(error);
      of.client.send('historyStatus', { kind: 'closed', code, reason: (error as Error).message });
      this.metrics.countClosed(code);
      return;
    }
    const session: HistorySession = new HistorySession(request, {
      client: of.client,
      createMoment: (onProgress) => this.history.createMoment(onProgress),
      filter: principal.providerId ?? null,
      limits: () => this.history.limits(request.by),
      tickMs: this.tickMs,
      idleMs: this.limits.idleMs,
      onSeek: (seconds) => this.metrics.observeSeek(seconds),
      onClosed: (code) => this.noteClosed(of, session, code),
    });
    of.session = session;
    this.metrics.setSessions(this.openCount);
  }

  private noteClosed(of: HistoryClient, session: HistorySession, code: HistoryCloseCode): void {
    if (of.session === session) of.session = null;
    this.metrics.countClosed(code);
    this.metrics.setSessions(this.openCount);
  }

  /** @throws HistoryError if there are too many sessions */
  private requireRoom(key: string | undefined): void {
    const { sessions: limit, sessionsPerToken } = this.limits;
    const open = [...this.clients].filter(([, { session }]) => session !== null);
    if (open.length >= limit) {
      throw new HistoryError('TOO_MANY_SESSIONS', `this process already has ${limit} history sessions`);
    }
    if (key === undefined) return;
    const own = open.filter(([socket]) => socket.data.caller.key === key).length;
    if (own >= sessionsPerToken || !hasRoom({ own, used: open.length, limit })) {
      throw new HistoryError(
        'TOO_MANY_SESSIONS',
        `this caller already has ${own} history sessions: at most ${sessionsPerToken}, and as many as are free for others`,
      );
    }
  }

  private get openCount(): number {
    return [...this.clients.values()].filter(({ session }) => session !== null).length;
  }

  private handle<T>(
    socket: LiveSocket,
    message: keyof ClientToServer,
    parsed: Parsed<T>,
    act: (of: HistoryClient, value: T) => void,
  ): void {
    const of = this.clients.get(socket) ?? { client: new SocketClient(socket), session: null };
    this.clients.set(socket, of);
    if (!of.client.meter.allow(Date.now())) socket.disconnect(true);
    else if ('refusal' in parsed)
      of.client.send('refused', { message, code: 'INVALID', reason: parsed.refusal });
    else act(of, parsed.value);
  }
}
