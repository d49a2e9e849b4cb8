import { ProblemError } from '@hailstream/nest';
import { QueryError } from '../query/query-parameters.js';
import { badRequest } from '../query/bad-request.js';
import { HistoryError } from '../query/history.errors.js';

/** The response to a request for a moment that failed. */
export function historyProblem(error: unknown): unknown {
  if (!(error instanceof HistoryError)) return badRequest(error);
  const { code, message: detail } = error;
  switch (code) {
    case 'HISTORY_DISABLED':
      return new ProblemError({ status: 404, title: 'Not Found', detail }, { cause: error });
    case 'NOTHING_RECORDED':
    case 'OFFSETS_DELETED':
      return badRequest(new QueryError('at', detail));
    case 'FAILED':
      return error;
    case 'CLOSED':
    case 'IDLE':
    case 'LIMIT_EXCEEDED':
    case 'LOG_UNREACHABLE':
    case 'TOO_MANY_SESSIONS': {
      const headers = { 'retry-after': '2', 'cache-control': 'no-store' };
      return new ProblemError(
        { status: 503, title: 'Service Unavailable', detail, headers },
        { cause: error },
      );
    }
  }
}
