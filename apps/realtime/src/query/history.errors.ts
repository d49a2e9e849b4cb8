import type { HistoryCloseCode } from '@hailstream/events/live';

/** A moment cannot be shown. The codes are those of a session that is closed for this reason. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';

  constructor(
    readonly code: HistoryCloseCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get retryable(): boolean {
    return this.code === 'LOG_UNREACHABLE' || this.code === 'TOO_MANY_SESSIONS';
  }
}

/** Codes of LogError after which the records of a moment are not available. */
const DELETED = new Set(['OFFSETS_MISSING', 'LOG_TRUNCATED', 'TOPIC_RECREATED', 'UNKNOWN_TOPIC']);

/** Why reading failed. */
export function closeCodeOf(error: unknown): HistoryCloseCode {
  if (!(error instanceof Error) || !('code' in error)) return 'FAILED';
  if (error instanceof HistoryError) return error.code;
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'LIMIT_EXCEEDED';
  if (DELETED.has(String(error.code))) return 'OFFSETS_DELETED';
  return 'retryable' in error && error.retryable === true ? 'LOG_UNREACHABLE' : 'FAILED';
}
