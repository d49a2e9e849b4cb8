import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import type { Principal } from '@hailstream/nest';
import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { Client, SendToRoom } from './broadcaster.js';

/** What the service keeps with a socket. */
export interface SocketData {
  principal: Principal;
  token: string | undefined;
}

export type LiveServer = Server<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;
export type LiveSocket = Socket<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;

/** What an event looks like on the wire: engine.io's message, socket.io's event, on the default namespace. */
const EVENT_PREFIX = '42';

/** What is used of an engine.io connection; its types keep these to themselves. */
interface Connection {
  /** Packets that wait for the transport. */
  readonly writeBuffer: readonly { readonly data?: string | Buffer }[];
  readonly transport: {
    readonly name: string;
    /** The WebSocket, with what it has in hand and the kernel has not taken. */
    readonly socket?: {
      readonly bufferedAmount: number;
      send(data: Buffer, options: { readonly binary: boolean }): void;
    };
  };
}

/** A page behind a socket. */
export class SocketClient implements Client {
  constructor(private readonly socket: LiveSocket) {}

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
    const { writeBuffer, transport } = connectionOf(this.socket);
    const waiting = writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    return waiting + (transport.socket?.bufferedAmount ?? 0);
  }
}

/**
 * Sends to rooms of a server. A message is encoded once for all sockets and handed to their WebSockets as it is:
 * socket.io's own way of broadcasting costs about as much a socket as the sending itself. See the protocols of
 * socket.io (v5) and engine.io (v4) for what is on the wire.
 */
export function sendToRoomOf(server: LiveServer): SendToRoom {
  const { adapter, sockets } = server.of('/');
  return (room, message, payload) => {
    const encoded = Buffer.from(EVENT_PREFIX + JSON.stringify([message, payload]));
    for (const id of adapter.rooms.get(room) ?? []) {
      const socket = sockets.get(id);
      if (socket === undefined) continue;
      const { writeBuffer, transport } = connectionOf(socket);
      // What waits in engine.io must go first; behind it, this takes socket.io's way too.
      if (writeBuffer.length === 0 && transport.name === 'websocket' && transport.socket !== undefined) {
        transport.socket.send(encoded, { binary: false });
      } else {
        socket.emit(message, ...([payload] as Parameters<ServerToClient[typeof message]>));
      }
    }
  };
}

function connectionOf(socket: LiveSocket): Connection {
  return socket.conn as unknown as Connection;
}
