/** Bounds of the history sessions of one process. */
export interface HistoryLimits {
  readonly sessions: number;
  readonly sessionsPerToken: number;
  /** A session without a request or a frame for this long is closed. */
  readonly idleMs: number;
  /** Maximum heap of a worker. 512 MB suffice for a city of about 100,000 vehicles. */
  readonly heapMb: number;
}
