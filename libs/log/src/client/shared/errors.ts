/** Why an operation on the log failed. */
export type LogErrorCode =
  | 'BUFFER_FULL'
  | 'UNAVAILABLE'
  | 'UNKNOWN_TOPIC'
  | 'TIMED_OUT'
  | 'RECORD_TOO_LARGE'
  | 'REFUSED'
  | 'CLOSED'
  | 'CONSUMER_CRASHED'
  | 'TOPIC_MISMATCH'
  | 'OFFSETS_MISSING'
  | 'UNDECODABLE'
  | 'LOG_TRUNCATED'
  | 'TOPIC_RECREATED';

/** An operation on the log that failed. Where `retryable`, the same call may succeed later. */
export class LogError extends Error {
  override readonly name = 'LogError';

  constructor(
    readonly code: LogErrorCode,
    message: string,
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A batch of the log that cannot be decoded, by any reader. */
export class UndecodableBatchError extends Error {
  override readonly name = 'UndecodableBatchError';

  constructor(
    /** `DAMAGED`: its CRC or its place in the log are wrong. `MALFORMED`: it was written as it is, and makes no sense. */
    readonly code: 'DAMAGED' | 'MALFORMED',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
