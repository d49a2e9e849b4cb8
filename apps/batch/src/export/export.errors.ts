/** Rows that cannot be exported. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
  readonly code = 'EXPORT';
  readonly retryable = false;
}
