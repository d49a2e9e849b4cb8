import type { ServerResponse } from 'node:http';
import type { LiveFrame, ServerToClient } from '@hailstream/events/live';
import type { Client, SendToRoom } from '../live/client.js';
import { formatEventId } from './stream-query.js';

/** A comment, which clients ignore: it keeps connections open through proxies. */
const HEARTBEAT = ':\n\n';

/** A program that reads `GET /stream`: messages are server-sent events. */
export class StreamClient implements Client {
  constructor(
    private readonly response: ServerResponse,
    private readonly rooms: StreamRooms,
    private readonly noteSentBytes: (sizeBytes: number) => void,
  ) {}

  send: Client['send'] = (message, payload) => {
    this.write(encode(message, payload));
  };

  write(event: Buffer): void {
    this.response.write(event);
    this.noteSentBytes(event.length);
  }

  join(room: string): void {
    this.rooms.join(room, this);
  }

  leave(room: string): void {
    this.rooms.leave(room, this);
  }

  backlogBytes(): number {
    return this.response.writableLength;
  }

  /** Not while earlier data waits: connections that make no progress are closed. */
  beat(): void {
    if (this.backlogBytes() === 0) this.response.write(HEARTBEAT);
  }

  end(): void {
    this.response.end();
  }
}

/** The streams in each room of the live view. */
export class StreamRooms {
  private readonly clients = new Map<string, Set<StreamClient>>();

  join(room: string, client: StreamClient): void {
    const members = this.clients.get(room);
    if (members === undefined) this.clients.set(room, new Set([client]));
    else members.add(client);
  }

  leave(room: string, client: StreamClient): void {
    const members = this.clients.get(room);
    members?.delete(client);
    if (members?.size === 0) this.clients.delete(room);
  }

  /** Sends a message to all streams in a room. It is encoded once. */
  send: SendToRoom = (room, message, payload) => {
    const members = this.clients.get(room);
    if (members === undefined) return;
    const event = encode(message, payload);
    for (const client of members) client.write(event);
  };
}

/** A message as an event; snapshots and frames have an id. @see HTML standard, server-sent events */
function encode(message: keyof ServerToClient, payload: unknown): Buffer {
  const hasId = message === 'snapshot' || message === 'frame';
  const id = hasId ? `id: ${formatEventId(payload as LiveFrame)}\n` : '';
  return Buffer.from(`event: ${message}\n${id}data: ${JSON.stringify(payload)}\n\n`);
}
