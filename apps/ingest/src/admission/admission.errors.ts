import type { ProblemAnswer } from '@hailstream/nest';

/** Value of `Retry-After` if the service or a share is full. */
const FULL_RETRY_AFTER_SECONDS = 1;

type Headers = Readonly<Record<string, string>>;

/** @see RFC 6585, section 4 */
export function rateExceeded(perSecond: number, retryAfterSeconds: number, headers: Headers): ProblemAnswer {
  return {
    status: 429,
    title: 'Too Many Requests',
    detail: `the provider sends more than ${perSecond} events per second; nothing was read or written, retry with the same ids`,
    headers: { 'retry-after': String(retryAfterSeconds), ...headers },
  };
}

/** A provider uses its whole share of something. */
export function shareExceeded(what: string, headers: Headers): ProblemAnswer {
  return {
    status: 429,
    title: 'Too Many Requests',
    detail: `the provider's ${what} use its whole share of the memory; nothing was read or written, retry with the same ids`,
    headers: { 'retry-after': String(FULL_RETRY_AFTER_SECONDS), ...headers },
  };
}

/** The service has no room for a further request, or it would wait too long. */
export function overloaded(reason: string): ProblemAnswer {
  return {
    status: 503,
    title: 'Service Unavailable',
    detail: `the service is overloaded: ${reason}; nothing was read or written, retry with the same ids`,
    headers: { 'retry-after': String(FULL_RETRY_AFTER_SECONDS) },
  };
}
