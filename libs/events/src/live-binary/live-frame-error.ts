/** The reason why bytes are not a frame. */
type LiveFrameErrorCode =
  /** The bytes end within the frame. */
  | 'TRUNCATED'
  /** The layout has another version. */
  | 'VERSION'
  /** The bytes do not follow the layout. */
  | 'MALFORMED'
  /** The frame refers to a vehicle that no frame since the last snapshot has introduced. */
  | 'UNKNOWN_VEHICLE';

/** Bytes that are not a binary frame, or one that does not follow the frames before. */
export class LiveFrameError extends Error {
  override readonly name = 'LiveFrameError';

  constructor(
    readonly code: LiveFrameErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
