import type { HistoryCloseCode } from '@hailstream/events/live';

/** Why the past cannot be shown, and what to do. `canRetry` if the same request may succeed later. */
interface FailureWords {
  readonly text: string;
  readonly canRetry: boolean;
}

export function failureWords({ code, reason }: { code: HistoryCloseCode; reason: string }): FailureWords {
  switch (code) {
    case 'CLOSED':
      return { text: 'The moment was closed.', canRetry: true };
    case 'NOTHING_RECORDED':
      return { text: 'The log has no events yet.', canRetry: true };
    case 'TOO_MANY_SESSIONS':
      return {
        text: 'Too many pages show the past at the same time. Close another one, or wait a minute.',
        canRetry: true,
      };
    case 'HISTORY_DISABLED':
      return {
        text: 'This service shows the present only: it has no folder for the past (REALTIME_HISTORY_DIR).',
        canRetry: false,
      };
    case 'LOG_UNREACHABLE':
      return { text: 'The log does not respond, so the moment cannot be read.', canRetry: true };
    case 'OFFSETS_DELETED':
      return { text: 'The log no longer holds this moment. Choose a later one.', canRetry: false };
    case 'LIMIT_EXCEEDED':
      return {
        text: 'This moment has more vehicles than the service may keep for one page. Choose an earlier one.',
        canRetry: false,
      };
    case 'IDLE':
      return {
        text: 'Nothing was requested for 15 minutes, so the service closed the moment.',
        canRetry: true,
      };
    case 'FAILED':
      return { text: `The service could not read this moment: ${reason}.`, canRetry: true };
  }
}
