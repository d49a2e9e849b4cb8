import type { AlertsMessage } from '@hailstream/events/live';
import type { OnModuleDestroy } from '@nestjs/common';
import {
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { ProviderFilter } from '../fold/city-state.js';
import type { LiveServer, LiveSocket } from '../live/client.socket.js';
import { AlertTopic } from './alert-topic.service.js';

/** Changes within this time are one message. */
const SEND_AFTER_MS = 250;

/** Tells pages how many alerts there are, and that they changed: on connection, and after changes that their token may see. */
@WebSocketGateway()
export class AlertsGateway implements OnGatewayInit, OnGatewayConnection, OnModuleDestroy {
  @WebSocketServer()
  private readonly server!: LiveServer;
  /** Filters of the pages that are connected. */
  private readonly sent = new Map<ProviderFilter, string>();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly topic: AlertTopic) {}

  afterInit(): void {
    this.topic.onChange(() => {
      this.timer ??= setTimeout(() => this.send(), SEND_AFTER_MS);
    });
  }

  onModuleDestroy(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  handleConnection(socket: LiveSocket): void {
    const filter = socket.data.principal.providerId ?? null;
    void socket.join(roomOf(filter));
    const message = this.message(filter);
    if (!this.sent.has(filter)) this.sent.set(filter, textOf(message));
    socket.emit('alerts', message);
  }

  private send(): void {
    this.timer = null;
    for (const [filter, before] of this.sent) {
      const room = roomOf(filter);
      if (this.server.of('/').adapter.rooms.get(room) === undefined) {
        this.sent.delete(filter);
        continue;
      }
      const message = this.message(filter);
      const text = textOf(message);
      if (text === before) continue;
      this.sent.set(filter, text);
      this.server.to(room).emit('alerts', message);
    }
  }

  private message(filter: ProviderFilter): AlertsMessage {
    const { store } = this.topic;
    return { asOf: Date.now(), ...store.counts(filter), changedAt: store.changedAt(filter) };
  }
}

function roomOf(filter: ProviderFilter): string {
  return `alerts:${filter ?? 'all'}`;
}

/** What a page is told, without the clock. */
function textOf({ asOf: _, ...rest }: AlertsMessage): string {
  return JSON.stringify(rest);
}
