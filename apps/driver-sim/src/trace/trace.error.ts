/** A trace cannot be read. The message names the file and the line, in one line. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly code = 'TRACE_UNREADABLE';
  readonly retryable = false;
}
