export type CopyErrorCode = 'PARTITIONS_DIFFER' | 'NOT_A_COPY' | 'OFFSETS_NOT_KEPT' | 'TARGET_CHANGED';

/** A topic that cannot be copied with the same partitions, order and distances between offsets. */
export class CopyError extends Error {
  override readonly name = 'CopyError';

  constructor(
    readonly code: CopyErrorCode,
    message: string,
  ) {
    super(message);
  }
}
