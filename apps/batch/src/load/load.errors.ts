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

/** A chunk that was not loaded because something else is in the way: the same chunk may go through later. */
export class ChunkFailedError extends Error {
  override readonly name = 'ChunkFailedError';
  readonly retryable = true;
}
