/** Why records cannot be decompressed: the data is invalid, or it exceeds the allowed size. */
type UnpackErrorCode = 'CORRUPT' | 'TOO_LARGE';

/** Records cannot be decompressed: the data is invalid, or it exceeds the allowed size. */
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

/** @throws UnpackError `TOO_LARGE` if the size exceeds the limit */
export function checkUnpackedSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  throw new UnpackError(
    `records decompress to ${sizeBytes} bytes or more, the maximum is ${maxBytes}`,
    'TOO_LARGE',
  );
}
