import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';

/** The error for versions older than PRODUCER_FENCED. */
export function fencingCode(errorCode: ErrorCode, knowsFenced: boolean): ErrorCode {
  return errorCode === ErrorCode.PRODUCER_FENCED && !knowsFenced
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode;
}

/**
 * Verifies with the transaction coordinator that a partition is part of a transaction.
 *
 * @throws ProtocolError with an error code that producers expect: an invalid epoch if fenced, a retriable one otherwise
 */
export function verifyPart(verify: () => void): void {
  try {
    verify();
  } catch (error) {
    switch (codeOf(error)) {
      case ErrorCode.PRODUCER_FENCED:
        throw new ProtocolError(ErrorCode.INVALID_PRODUCER_EPOCH, (error as Error).message, { cause: error });
      case ErrorCode.CONCURRENT_TRANSACTIONS:
        throw new ProtocolError(ErrorCode.NOT_ENOUGH_REPLICAS, (error as Error).message, { cause: error });
      default:
        throw error;
    }
  }
}
