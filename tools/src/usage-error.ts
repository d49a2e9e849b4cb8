/** An error that the user can fix. It is printed in one line, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}
