/** A mistake in the command line or the environment of a command. The message is for the user, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
  readonly retryable = false;
}
