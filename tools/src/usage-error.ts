/** The user asked for something that can't be: one line says what, and there is nothing to look for in a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}
