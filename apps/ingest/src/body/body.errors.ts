import { ProblemError } from '@hailstream/nest';

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
