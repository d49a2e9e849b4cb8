type SinkErrorCode =
  /** The sink is unreachable, overloaded, or responds with a server error. */
  | 'UNAVAILABLE'
  /** Credentials are missing, wrong or expired, or do not permit the request. */
  | 'ACCESS_DENIED'
  /** The bucket, index or topic does not exist, or its settings do not fit. */
  | 'MISCONFIGURED'
  /** An existing object has different content than the log. */
  | 'CONFLICT'
  /** The stored records or positions are of another log: another cluster or a recreated topic. */
  | 'ANOTHER_LOG'
  /** A stored object cannot be read. */
  | 'INVALID_OBJECT'
  /** The sink refuses the record or the request. */
  | 'REFUSED';

/** Delivery to a sink failed. Jobs retry it without a limit. If not `retryable`, it fails until an operator has resolved the cause. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
  readonly retryable: boolean;

  constructor(
    readonly code: SinkErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryable: boolean },
  ) {
    super(message, options);
    this.retryable = options.retryable;
  }
}
