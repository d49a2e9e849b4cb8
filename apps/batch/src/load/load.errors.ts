export type LoadErrorCode = 'POSITION_MOVED_BACK' | 'NO_PROGRESS' | 'STOPPED';

/** A load that ended before it had everything. What it loaded stays; the next one goes on from there. */
export class LoadError extends Error {
  override readonly name = 'LoadError';

  constructor(
    readonly code: LoadErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
