import { LogError, partitionName, type ConsumerGap } from '@hailstream/log';

/**
 * - `POSITIONS_REFUSED`: continuing at the stored positions would skip records. Requires intervention.
 * - `LOG_CHANGED`: the log was replaced during the load.
 * - `LOG_GAP`: the log left out offsets without a reason.
 * - `POSITION_MOVED_BACK`, `POSITION_REBOUND`: a position was changed during the load by something other than a load.
 * - `COUNTS_DISAGREE`: the counts do not add up to the records: a bug in Hailstream.
 * - `NO_PROGRESS`: no position moved for too long.
 * - `STOPPED`: the load was stopped.
 */
type LoadErrorCode =
  | 'POSITIONS_REFUSED'
  | 'LOG_CHANGED'
  | 'LOG_GAP'
  | 'POSITION_MOVED_BACK'
  | 'POSITION_REBOUND'
  | 'COUNTS_DISAGREE'
  | 'NO_PROGRESS'
  | 'STOPPED';

/** Codes of errors that persist until an operator intervenes. */
const PERSISTENT: ReadonlySet<LoadErrorCode> = new Set([
  'POSITIONS_REFUSED',
  'LOG_CHANGED',
  'COUNTS_DISAGREE',
]);

/** A load that ended before it was complete. What it loaded remains, and the next load continues after it. */
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

/** Returns the error for offsets that the log left out without a reason. */
export function unexplainedGap({ topic, partition, expected, found }: ConsumerGap): LoadError {
  return new LoadError(
    'LOG_GAP',
    `${partitionName(topic, partition)}: the log left out offsets ${expected} to ${found - 1n} without a reason. No later ` +
      'records are loaded. If these offsets do not exist, move the position past them with ' +
      `npm run batch -- positions reset --topic ${topic} --partition ${partition} --to ${found}`,
  );
}

/** SQLSTATE classes of errors that a retry does not resolve: authentication, unknown database, missing schema or right. */
const PERSISTENT_SQLSTATE = /^(28|3D|42)/;

/** Whether a later load may succeed without intervention. */
export function isTransient(error: unknown): boolean {
  if (error instanceof LogError) return error.retryable;
  if (error instanceof LoadError) return !PERSISTENT.has(error.code);
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
    return false;
  return !(error instanceof Error && 'code' in error && PERSISTENT_SQLSTATE.test(String(error.code)));
}
