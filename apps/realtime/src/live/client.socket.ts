import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import type { Principal } from '@hailstream/service/tokens';
import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import { PacketType } from 'socket.io-parser';
import type { Client, SendToRoom } from './broadcaster.js';
import { liveParser, webSocketFrame } from './live.parser.js';

/** Prefix of a message in the protocol of engine.io. */
const ENGINE_MESSAGE = '4';

/** Maximum number of messages that a page may send per second: a dragged map sends one per screen refresh. */
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

/**
 * Sends to rooms of a server. A message is encoded once, as a WebSocket frame, and each socket of the room writes the same
 * bytes: broadcasting through the adapter costs a tenth more per socket. `wsPreEncodedFrame` is the option with which
 * socket.io's adapter passes frames to engine.io. It is optional: without it, engine.io would encode the text per socket.
 */
export function sendToRoomOf(server: LiveServer): SendToRoom {
  const { adapter, sockets } = server.of('/');
  const encoder = new liveParser.Encoder();
  return (room, message, payload) => {
    const ids = adapter.rooms.get(room);
    if (ids === undefined) return;
    const [text] = encoder.encode({ type: PacketType.EVENT, nsp: '/', data: [message, payload] });
    const options = { compress: false, wsPreEncodedFrame: [webSocketFrame(ENGINE_MESSAGE + text)] };
    for (const id of ids) sockets.get(id)?.conn.write(text, options);
  };
}
