/** A session cannot be opened, or was not ended in all processes. */
export class SessionError extends Error {
  override readonly name = 'SessionError';

  constructor(
    readonly code: 'TOO_MANY_SESSIONS' | 'FULL' | 'UNAVAILABLE',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
