/** Why records can not be unpacked: they are not what their codec says, or would take more memory than allowed. */
export type UnpackErrorCode = 'CORRUPT' | 'TOO_LARGE';

/** Records that are not what their codec says, or that would unpack to more than allowed. */
export class UnpackError extends Error {
  override readonly name = 'UnpackError';

  constructor(
    message: string,
    readonly code: UnpackErrorCode = 'CORRUPT',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @throws UnpackError `TOO_LARGE` */
export function checkUnpackedSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  throw new UnpackError(
    `records unpack to ${sizeBytes} bytes or more, at most ${maxBytes} are allowed`,
    'TOO_LARGE',
  );
}
