type SinkErrorCode =
  /** The sink cannot be reached, is overloaded or answers with a server error. */
  | 'UNAVAILABLE'
  /** Credentials are missing, wrong or expired, or do not permit the request. */
  | 'ACCESS_DENIED'
  /** The bucket, index or topic does not exist, or its settings do not fit. */
  | 'MISCONFIGURED'
  /** An object exists with other content than the log has. */
  | 'CONFLICT'
  /** The objects are those of another log: the topic was created again, or the cluster is another one. */
  | 'ANOTHER_LOG'
  /** A stored object cannot be read. */
  | 'INVALID_OBJECT'
  /** The sink refuses the record or the request. */
  | 'REFUSED';

/** Delivery to a sink failed. If `retryable`, it is repeated without a limit; otherwise an operator has to act first. */
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
