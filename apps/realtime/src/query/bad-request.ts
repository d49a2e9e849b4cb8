import { ProblemError } from '@hailstream/nest';
import { QueryError } from './query-parameters.js';

/** Runs a request; a {@link QueryError} becomes a problem with status 400 that names the parameter. */
export function withBadRequest<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw badRequest(error);
  }
}

/** The problem for a {@link QueryError}; other errors are returned as they are. */
export function badRequest(error: unknown): unknown {
  if (!(error instanceof QueryError)) return error;
  const { field, message } = error;
  return new ProblemError(
    {
      status: 400,
      title: 'Bad Request',
      detail: `${field}: ${message}`,
      errors: [{ field, detail: message }],
    },
    { cause: error },
  );
}
