/** Bounds of what the clients of one process may use. */
export interface LiveLimits {
  readonly sockets: number;
  readonly socketsPerToken: number;
  /** Of all clients with the same token. */
  readonly viewportsPerSecond: number;
  readonly watchesPerSecond: number;
  /** Connections that are accepted per tick. Others wait. */
  readonly handshakesPerTick: number;
  /** Clients that are sent a snapshot, or what changed since the state that they have, per tick. Others wait. */
  readonly snapshotsPerTick: number;
  /** Bytes that all clients together have not read: beyond it, they are sent nothing until they have. */
  readonly backlogBytes: number;
  /** How many rows that left a cell are remembered, for clients that continue the state that they have. */
  readonly resumeDepartures: number;
}
