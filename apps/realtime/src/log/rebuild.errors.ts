import { ProblemError } from '@hailstream/nest';
import type { ServiceStatus } from '@hailstream/events/live';

/** When to ask again, in seconds: a rebuild takes seconds, and its progress is in the answer. */
const RETRY_AFTER_SECONDS = 2;

/** The city is not rebuilt yet: an answer now would be of a part of it. */
export function notRebuilt(
  status: ServiceStatus,
  details: { detail: string; folded: bigint; of: bigint },
): ProblemError {
  const { detail, folded, of } = details;
  return new ProblemError({
    status: 503,
    title: 'Service Unavailable',
    detail,
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS), 'cache-control': 'no-store' },
    extensions: {
      rebuild: {
        percent: status.kind === 'rebuilding' ? status.percent : 0,
        recordsRead: Number(folded),
        recordsInLog: Number(of),
      },
    },
  });
}
