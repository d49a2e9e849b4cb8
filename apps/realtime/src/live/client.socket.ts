import assert from 'node:assert';
import type { IncomingMessage } from 'node:http';
import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import type { Principal } from '@hailstream/service/tokens';
import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import { WebSocket, WebSocketServer } from 'ws';
import type { Client, SendToRoom } from './client.js';
import { liveParser } from './live.parser.js';
import type { Caller } from '../sessions/sessions.service.js';
import { MessageMeter } from './message-meter.js';
import { webSocketFrame } from './web-socket-frame.js';

/** Prefix of a message in the protocol of engine.io. */
const ENGINE_MESSAGE = '4';

/** Maximum number of messages that a page may send per second: a dragged map sends one per screen refresh. */
const MAX_MESSAGES_PER_SECOND = 200;

/** Stored with each socket. */
interface SocketData {
  principal: Principal;
  caller: Caller;
}

export type LiveServer = Server<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;
export type LiveSocket = Socket<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;

/** The WebSocket of each upgrade request. */
const webSockets = new WeakMap<IncomingMessage, WebSocket>();

/** The `wsEngine` option of the socket.io server: the default one, which also notes the WebSockets of the pages. */
export class LiveWebSocketServer extends WebSocketServer {
  override handleUpgrade(...[request, socket, head, callback]: Parameters<WebSocketServer['handleUpgrade']>) {
    super.handleUpgrade(request, socket, head, (webSocket, upgraded) => {
      webSockets.set(upgraded, webSocket);
      callback(webSocket, upgraded);
    });
  }
}

/** A page connected over socket.io. */
export class SocketClient implements Client {
  readonly meter = new MessageMeter(MAX_MESSAGES_PER_SECOND);
  private readonly webSocket: WebSocket;
  /** Bytes that wait in engine.io. */
  private queuedBytes = 0;

  constructor(private readonly socket: LiveSocket) {
    this.webSocket = webSocketOf(socket);
    socket.conn.on('packetCreate', ({ data }: { readonly data?: string | Uint8Array }) => {
      this.queuedBytes += data?.length ?? 0;
    });
    socket.conn.on('drain', () => {
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
    return this.queuedBytes + this.webSocket.bufferedAmount;
  }
}

/** Calls a function with the size of each message that a page is sent through socket.io. */
export function noteSentBytes({ conn }: LiveSocket, note: (sizeBytes: number) => void): void {
  conn.on('packetCreate', ({ data }: { readonly data?: string | Uint8Array }) => note(data?.length ?? 0));
}

/**
 * Sends to rooms of a server. A message is encoded once, as the frames of a WebSocket, and its bytes are written to the
 * connections of the room without going through socket.io, engine.io and ws: with 500 pages, that would cost the process
 * about a fifth more CPU. See the protocols of socket.io (v5) and engine.io (v4). `note` is called with the bytes written that way.
 */
export function sendToRoomOf(server: LiveServer, note: (sizeBytes: number) => void): SendToRoom {
  const { adapter, sockets } = server.of('/');
  const encoder = new liveParser.Encoder();
  return (room, message, payload) => {
    const ids = adapter.rooms.get(room);
    if (ids === undefined) return;
    const packet = encoder.encode({ type: PacketType.EVENT, nsp: '/', data: [message, payload] });
    const bytes = Buffer.concat(
      packet.map((part) => webSocketFrame(typeof part === 'string' ? ENGINE_MESSAGE + part : part)),
    );
    for (const id of ids) {
      const socket = sockets.get(id);
      if (socket === undefined) continue;
      // While the transport is not writable, packets may wait in engine.io, which must be sent first.
      if (!socket.conn.transport.writable) for (const part of packet) socket.conn.write(part);
      else if (webSocketOf(socket).readyState === WebSocket.OPEN) {
        socket.request.socket.write(bytes);
        note(bytes.length);
      }
    }
  };
}

function webSocketOf(socket: LiveSocket): WebSocket {
  const webSocket = webSockets.get(socket.request);
  assert.ok(webSocket !== undefined, 'every page is connected over a WebSocket of LiveWebSocketServer');
  return webSocket;
}
