/** A trace can't be read: the message says which and where, in one line. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly code = 'TRACE_UNREADABLE';
  readonly retryable = false;
}
