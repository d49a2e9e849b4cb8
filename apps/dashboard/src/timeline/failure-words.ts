import type { HistoryCloseCode } from '@hailstream/events/live';
import { t } from '../locale/text.js';

/** Why the past cannot be shown, and what to do. `canRetry` if the same request may succeed later. */
interface FailureWords {
  readonly text: string;
  readonly canRetry: boolean;
}

export function failureWords({ code, reason }: { code: HistoryCloseCode; reason: string }): FailureWords {
  switch (code) {
    case 'CLOSED':
      return { text: t('past.CLOSED'), canRetry: true };
    case 'NOTHING_RECORDED':
      return { text: t('past.NOTHING_RECORDED'), canRetry: true };
    case 'TOO_MANY_SESSIONS':
      return {
        text: t('past.TOO_MANY_SESSIONS'),
        canRetry: true,
      };
    case 'HISTORY_DISABLED':
      return {
        text: t('past.HISTORY_DISABLED'),
        canRetry: false,
      };
    case 'LOG_UNREACHABLE':
      return { text: t('past.LOG_UNREACHABLE'), canRetry: true };
    case 'OFFSETS_DELETED':
      return { text: t('past.OFFSETS_DELETED'), canRetry: false };
    case 'LIMIT_EXCEEDED':
      return {
        text: t('past.LIMIT_EXCEEDED'),
        canRetry: false,
      };
    case 'IDLE':
      return {
        text: t('past.IDLE'),
        canRetry: true,
      };
    case 'FAILED':
      return { text: t('past.FAILED', { reason }), canRetry: true };
  }
}
