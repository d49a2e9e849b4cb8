/** Why a service makes no progress, and since when. Thrown by a readiness check. */
export class NotReadyError extends Error {
  override readonly name = 'NotReadyError';
  readonly code = 'NOT_READY';

  /** @param sinceMs Unix time in milliseconds */
  constructor(
    message: string,
    readonly sinceMs: number,
  ) {
    super(message);
  }
}
