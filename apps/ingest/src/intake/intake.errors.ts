import { ProblemError } from '@hailstream/nest';

/** When a caller that was told 503 should ask again. */
const RETRY_AFTER_SECONDS = 2;

export function notAnArray(): ProblemError {
  return new ProblemError({
    status: 400,
    title: 'Bad Request',
    detail: 'the body must be a JSON array of items, with a single item too',
  });
}

export function tooManyItems(count: number, most: number): ProblemError {
  return new ProblemError({
    status: 413,
    title: 'Content Too Large',
    detail: `the body has ${count} items; at most ${most} are taken at once`,
  });
}

export function otherVersion(spoken: string): ProblemError {
  return new ProblemError({
    status: 406,
    title: 'Not Acceptable',
    detail: `this service speaks MDS ${spoken}`,
  });
}

/** Nothing of the request was written. */
export function logUnavailable(reason: string, options?: ErrorOptions): ProblemError {
  return new ProblemError(
    {
      status: 503,
      title: 'Service Unavailable',
      detail: `nothing was written: ${reason}; send it again with the same ids`,
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    },
    options,
  );
}
