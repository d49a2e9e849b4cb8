import type { HistoryOrder } from '@hailstream/events/live';
import { QueryError, type QueryParameters } from '../query/query-parameters.js';

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

/**
 * Parses an ISO 8601 time with a time zone to milliseconds; `undefined` if the parameter is missing.
 *
 * @throws QueryError if it is not a time
 */
export function parseTime(parameters: QueryParameters, field: string): number | undefined {
  const text = parameters.text(field, 50);
  if (text === undefined) return undefined;
  // In a URL that is not encoded, the + of a time zone is a space.
  const iso = text.replace(' ', '+');
  const time = ISO_TIME.test(iso) ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new QueryError(
      field,
      `expected an ISO 8601 time with a time zone such as 2026-01-31T08:42:00Z, got "${text}"`,
    );
  }
  return time;
}

/** @throws QueryError if it is another order */
export function parseOrder(parameters: QueryParameters): HistoryOrder {
  return parameters.choices('by', ['event', 'received'])?.[0] ?? 'event';
}

/** @throws QueryError if the moment is not within the range */
export function requireWithin(
  at: number,
  limits: { readonly earliest: number; readonly latest: number } | null,
): void {
  if (limits === null) throw new QueryError('at', 'the log has no event that can be shown yet');
  const { earliest, latest } = limits;
  if (at >= earliest && at <= latest) return;
  const which = at < earliest ? 'is before the earliest moment that the log still holds' : 'is in the future';
  throw new QueryError('at', `${iso(at)} ${which}: expected a time from ${iso(earliest)} to ${iso(latest)}`);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
