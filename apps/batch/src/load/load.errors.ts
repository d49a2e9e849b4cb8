import { LogError } from '@hailstream/log';

/**
 * `POSITIONS_REFUSED`: going on at the stored positions would skip records; lasts until somebody resolves it.
 * `LOG_CHANGED`: the log was replaced during the load. `LOG_GAP`: the log left out records without a reason.
 * `POSITION_MOVED_BACK`, `POSITION_REBOUND`: somebody else changed a position during the load.
 * `COUNTS_DISAGREE`: what became of the records does not add up to the records: a bug.
 */
export type LoadErrorCode =
  | 'POSITIONS_REFUSED'
  | 'LOG_CHANGED'
  | 'LOG_GAP'
  | 'POSITION_MOVED_BACK'
  | 'POSITION_REBOUND'
  | 'COUNTS_DISAGREE'
  | 'NO_PROGRESS'
  | 'STOPPED';

/** Those that stay until somebody does something. */
const LASTING: ReadonlySet<LoadErrorCode> = new Set(['POSITIONS_REFUSED', 'LOG_CHANGED', 'COUNTS_DISAGREE']);

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
  if (error instanceof LoadError) return !LASTING.has(error.code);
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
    return false;
  return !(error instanceof Error && 'code' in error && TO_BE_MENDED.test(String(error.code)));
}
