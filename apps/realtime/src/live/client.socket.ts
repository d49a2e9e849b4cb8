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

/** What is read of an engine.io connection; its types keep these to themselves. */
interface Connection {
  /** Packets that wait for the transport. */
  readonly writeBuffer: readonly { readonly data?: string | Buffer }[];
  /** The WebSocket, with what it has in hand and the kernel has not taken. */
  readonly transport: { readonly socket?: { readonly bufferedAmount: number } };
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
    const { writeBuffer, transport } = this.socket.conn as unknown as Connection;
    const waiting = writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    return waiting + (transport.socket?.bufferedAmount ?? 0);
  }
}

/** Sends to rooms of a server: its adapter encodes a packet, and frames it, once for all sockets. */
export function sendToRoomOf(server: LiveServer): SendToRoom {
  return (room, message, payload) => {
    server.to(room).emit(message, ...([payload] as Parameters<ServerToClient[typeof message]>));
  };
}
