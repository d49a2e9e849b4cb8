/** Bounds of what the clients of one process may use. */
export interface LiveLimits {
  readonly sockets: number;
  readonly socketsPerToken: number;
  /** Of all clients with the same token. */
  readonly viewportsPerSecond: number;
  readonly watchesPerSecond: number;
  /** Connections that are accepted per tick. Others wait. */
  readonly handshakesPerTick: number;
}
