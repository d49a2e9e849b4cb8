import { ProblemError } from '@hailstream/nest';

/** Value of `Retry-After` in a 503. */
const RETRY_AFTER_SECONDS = 2;

export function unsupportedVersion(supported: string): ProblemError {
  return new ProblemError({
    status: 406,
    title: 'Not Acceptable',
    detail: `this service supports MDS ${supported} only`,
  });
}

/** Nothing of the request was written. */
export function logUnavailable(reason: string, options?: ErrorOptions): ProblemError {
  return new ProblemError(
    {
      status: 503,
      title: 'Service Unavailable',
      detail: `nothing was written: ${reason}; retry with the same ids`,
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    },
    options,
  );
}
