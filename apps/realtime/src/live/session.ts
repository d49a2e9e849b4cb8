import type { ResumePoint, VehicleRef, ViewportRequest } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import type { Client } from './client.js';
import type { Room } from './rooms.js';

/** What the broadcaster keeps of a connected client. */
export interface Session {
  readonly filter: ProviderFilter;
  /** Whether the client is sent binary frames. */
  readonly binary: boolean;
  room: Room | null;
  /** Whether it is subscribed to its room: not while it is behind. */
  isListening: boolean;
  /** The viewport to apply once it is the turn of the client. */
  nextViewport: ViewportRequest | null;
  viewportAt: number;
  /** Whether it waits for its turn to be sent a snapshot, or what changed since the state that it has. */
  isWaiting: boolean;
  isBehind: boolean;
  /** Whether it is sent the content of its room in parts. It is behind until it was sent all of them. */
  isInParts: boolean;
  /** The state that a client that is behind has once it has drained; `null` if it was sent no frame. */
  held: ResumePoint | null;
  watched: VehicleRef | null;
  /** Device id of a vehicle that is to be watched and has not sent an event yet; its provider is not known. */
  sought: string | null;
}

export function newSession(filter: ProviderFilter, { binary }: { binary: boolean }): Session {
  return {
    filter,
    binary,
    room: null,
    isListening: false,
    nextViewport: null,
    viewportAt: Number.NEGATIVE_INFINITY,
    isWaiting: false,
    isBehind: false,
    isInParts: false,
    held: null,
    watched: null,
    sought: null,
  };
}

/** Subscribes a client to its room. */
export function listen(client: Client, session: Session): void {
  if (session.room === null || session.isListening) return;
  client.join(session.room.key);
  session.room.listeners += 1;
  session.isListening = true;
}

export function unlisten(client: Client, session: Session): void {
  if (session.room === null || !session.isListening) return;
  client.leave(session.room.key);
  session.room.listeners -= 1;
  session.isListening = false;
}
