/**
 * - `RANGE`: the log does not have the range, or no longer.
 * - `LOG_GAP`: the log left out offsets of the range.
 */
type BackfillErrorCode = 'RANGE' | 'LOG_GAP';

/** A backfill that is not possible, or that ended early. What it loaded remains. */
export class BackfillError extends Error {
  override readonly name = 'BackfillError';

  constructor(
    readonly code: BackfillErrorCode,
    message: string,
  ) {
    super(message);
  }
}
