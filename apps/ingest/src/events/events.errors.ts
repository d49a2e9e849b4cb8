import { ProblemError } from '@hailstream/nest';

/** Value of `Retry-After` in a 503. */
const RETRY_AFTER_SECONDS = 2;

export function notAnArray(): ProblemError {
  return new ProblemError({
    status: 400,
    title: 'Bad Request',
    detail: 'the body must be a JSON array of items, even for a single item',
  });
}

export function tooManyItems(count: number, maximum: number): ProblemError {
  return new ProblemError({
    status: 413,
    title: 'Content Too Large',
    detail: `the body has ${count} items; the maximum is ${maximum}`,
  });
}

export function tooManyValues(maximum: number): ProblemError {
  const detail = `the body has more than ${maximum} values; send fewer items per request`;
  return new ProblemError({ status: 413, title: 'Content Too Large', detail });
}

export function tooManyShapes(maximum: number): ProblemError {
  const detail =
    `the objects of the body have more than ${maximum} different sequences of fields; send fewer items per request, ` +
    'or the fields of each item in the same order';
  return new ProblemError({ status: 413, title: 'Content Too Large', detail });
}

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
