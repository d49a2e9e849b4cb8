/** Why an operation on the log failed. */
type LogErrorCode =
  | 'BUFFER_FULL'
  | 'UNAVAILABLE'
  | 'UNKNOWN_TOPIC'
  | 'TIMED_OUT'
  | 'RECORD_TOO_LARGE'
  | 'REFUSED'
  | 'CLOSED'
  | 'FENCED'
  | 'CONSUMER_CRASHED'
  | 'TOPIC_MISMATCH'
  | 'OFFSETS_MISSING'
  | 'UNDECODABLE'
  | 'LOG_TRUNCATED'
  | 'TOPIC_RECREATED';

/** An operation on the log that failed. If `retryable`, the same call may succeed later. */
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

/** Whether an error says that something is unavailable for now: repeating the operation may succeed. */
export function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

/** A batch of the log that no reader can decode. */
export class UndecodableBatchError extends Error {
  override readonly name = 'UndecodableBatchError';

  constructor(
    /** `DAMAGED`: its CRC or its offsets are wrong. `MALFORMED`: the CRC is right, the content is not a valid batch. */
    readonly code: 'DAMAGED' | 'MALFORMED',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
