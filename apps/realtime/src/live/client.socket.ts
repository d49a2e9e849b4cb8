import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import type { Principal } from '@hailstream/service/tokens';
import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { Client, SendToRoom } from './broadcaster.js';

/** Most messages that a page may send per second: a dragged map sends one per screen refresh. */
export const MAX_MESSAGES_PER_SECOND = 200;

/** Stored with each socket. */
interface SocketData {
  principal: Principal;
  token: string | undefined;
}

export type LiveServer = Server<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;
export type LiveSocket = Socket<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;

/** A page connected over socket.io. */
export class SocketClient implements Client {
  readonly meter = new MessageMeter();
  /** Bytes that wait in socket.io. */
  private queuedBytes = 0;
  /** Bytes of the packets handed to the transport last: all written once it is writable again. */
  private handedOverBytes = 0;

  constructor(private readonly socket: LiveSocket) {
    socket.conn.on('packetCreate', ({ data }: { readonly data?: string }) => {
      this.queuedBytes += data?.length ?? 0;
    });
    socket.conn.on('drain', () => {
      this.handedOverBytes = this.queuedBytes;
      this.queuedBytes = 0;
    });
  }

  send: Client['send'] = (message, payload) => {
    this.socket.emit(message, ...([payload] as Parameters<ServerToClient[typeof message]>));
  };

  join(room: string): void {
    void this.socket.join(room);
  }

  leave(room: string): void {
    void this.socket.leave(room);
  }

  backlogBytes(): number {
    return this.queuedBytes + (this.socket.conn.transport.writable ? 0 : this.handedOverBytes);
  }
}

/** Limits the rate of messages of one page. */
export class MessageMeter {
  private second = 0;
  private count = 0;

  /** Counts a message. Returns whether it is within the limit. */
  allow(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= MAX_MESSAGES_PER_SECOND;
  }
}

/** Sends to rooms of a server. socket.io encodes a message to a room once, whatever the number of sockets in it. */
export function sendToRoomOf(server: LiveServer): SendToRoom {
  return (room, message, payload) => {
    server.to(room).emit(message, ...([payload] as Parameters<ServerToClient[typeof message]>));
  };
}
