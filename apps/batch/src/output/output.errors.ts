/** A file that cannot be written, or must not be replaced. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  readonly code = 'OUTPUT';
  readonly retryable = false;
}
