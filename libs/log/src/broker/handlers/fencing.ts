import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';

/** What a version that is older than PRODUCER_FENCED is told in its place. */
export function fencingCode(errorCode: ErrorCode, knowsFenced: boolean): ErrorCode {
  return errorCode === ErrorCode.PRODUCER_FENCED && !knowsFenced
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode;
}

/**
 * Lets a partition ask the coordinator whether a batch is part of a transaction.
 *
 * @throws ProtocolError as a producer knows it: fencing is its epoch, and what will be over soon is to be tried again
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
