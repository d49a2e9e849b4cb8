import type { ServerToClient } from '@hailstream/events/live';

type Message = keyof ServerToClient;
export type Payload<M extends Message> = Parameters<ServerToClient[M]>[0];

/** One connected client. */
export interface Client {
  send<M extends Message>(message: M, payload: Payload<M>): void;
  /** Subscribes the client to the messages of a room. */
  join(room: string): void;
  leave(room: string): void;
  /** Bytes that were sent and are not yet written to the network. */
  backlogBytes(): number;
}

/** Sends a message to all clients in a room; it is encoded once. */
export type SendToRoom = <M extends Message>(room: string, message: M, payload: Payload<M>) => void;
