import { ProblemError } from '@hailstream/nest';
import type { ServiceStatus } from '@hailstream/events/live';

/** A rebuild takes seconds, and its progress is in the response. */
const RETRY_AFTER_SECONDS = 2;

/** The response while the city is rebuilt, because it would be incomplete. */
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
