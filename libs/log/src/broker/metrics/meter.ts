/** What the parts of the broker tell of their work; what is done with it is not theirs to know. */
export interface Meter {
  /** A request was answered. */
  answered(api: string, response: unknown, seconds: number): void;
  /** Bytes of batches that were appended to a topic. */
  received(topic: string, bytes: number): void;
  /** Bytes of batches that were sent to readers of a topic. */
  sent(topic: string, bytes: number): void;
  /** A file was brought to disk. */
  synced(seconds: number): void;
  /** The disk did not take what was written. */
  writeFailed(): void;
  connected(): void;
  /** A connection that the broker did not want, or not any longer. */
  turnedAway(reason: TurnedAwayReason): void;
}

/** `limit`: there are as many as there may be. `protocol`: something came that is no request. */
export type TurnedAwayReason = 'limit' | 'authentication' | 'protocol';

/** Where nobody asks for metrics. */
export const NO_METER: Meter = {
  answered: nothing,
  received: nothing,
  sent: nothing,
  synced: nothing,
  writeFailed: nothing,
  connected: nothing,
  turnedAway: nothing,
};

function nothing(): void {}
