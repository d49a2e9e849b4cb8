/** Receives measurements from the parts of the broker. */
export interface Meter {
  /** A request was answered. */
  answered(api: string, response: unknown, seconds: number): void;
  /** Bytes of batches that were appended to a topic. */
  received(topic: string, bytes: number): void;
  /** Bytes of batches that were sent to readers of a topic. */
  sent(topic: string, bytes: number): void;
  /** A file was synced. */
  synced(seconds: number): void;
  /** A write or sync failed. */
  writeFailed(): void;
  connected(): void;
  /** A connection was closed by the broker. */
  rejected(reason: RejectReason): void;
}

/** `limit`: a limit on connections is reached. `protocol`: the client sent an invalid request. */
type RejectReason = 'limit' | 'authentication' | 'protocol';

/** Used if metrics are disabled. */
export const NO_METER: Meter = {
  answered: nothing,
  received: nothing,
  sent: nothing,
  synced: nothing,
  writeFailed: nothing,
  connected: nothing,
  rejected: nothing,
};

function nothing(): void {}
