import { LogError } from '@hailstream/log';

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

/** SQLSTATE classes of what a retry does not mend: who may come in, which database, which schema and which rights. */
const TO_BE_MENDED = /^(28|3D|42)/;

/** Whether a load that failed of this may succeed by itself later. Else somebody has to change something, perhaps us. */
export function passesByItself(error: unknown): boolean {
  if (error instanceof LogError) return error.retryable;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
    return false;
  return !(error instanceof Error && 'code' in error && TO_BE_MENDED.test(String(error.code)));
}
