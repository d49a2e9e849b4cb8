import type { Period, TripStage } from '@hailstream/events/live';
import { isUuid } from '@hailstream/service/uuid';
import type { ProviderFilter } from '../fold/city-state.js';
import { parseTime } from '../history/moment-query.js';
import { QueryError, type QueryParameters } from '../query/query-parameters.js';
import { MAX_TRIPS, type TripQuery } from './trip-index.js';

const stages = [
  'requested',
  'reserved',
  'on_trip',
  'stopped',
  'ended',
  'cancelled',
  'unknown',
] as const satisfies (TripStage | 'unknown')[];

const MAX_TEXT_CHARS = 100;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

const DAY_MS = 86_400_000;

/** Maximum length of a vehicle's timeline, in days. */
const MAX_TIMELINE_DAYS = 7;

/** @throws QueryError if a parameter is invalid */
export function parseTripQuery(
  parameters: QueryParameters,
  allowed: ProviderFilter,
): { readonly query: TripQuery; readonly limit: number; readonly offset: number } {
  const chosen = parameters.choices('stage', stages);
  const from = parseTime(parameters, 'from') ?? null;
  const to = parseTime(parameters, 'to') ?? null;
  requireOrder(from, to);
  return {
    query: {
      text: parameters.text('q', MAX_TEXT_CHARS) ?? '',
      filter: parameters.provider(allowed),
      deviceId: parseId(parameters, 'device_id'),
      stages: chosen === undefined ? null : new Set(chosen),
      from,
      to,
    },
    limit: parameters.integer('limit', { default: DEFAULT_LIMIT, minimum: 1, maximum: MAX_LIMIT }),
    offset: parameters.integer('offset', { default: 0, minimum: 0, maximum: MAX_TRIPS }),
  };
}

/**
 * The time of a vehicle's timeline: a day up to `to` or now.
 *
 * @throws QueryError if a parameter is invalid
 */
export function parsePeriod(parameters: QueryParameters, now: number): Period {
  const to = parseTime(parameters, 'to') ?? now;
  const from = parseTime(parameters, 'from') ?? to - DAY_MS;
  requireOrder(from, to);
  if (to - from > MAX_TIMELINE_DAYS * DAY_MS) {
    throw new QueryError('from', `expected a time at most ${MAX_TIMELINE_DAYS} days before "to"`);
  }
  return { from, to };
}

/** @throws QueryError if it is not a UUID */
export function requireId(field: string, text: string): string {
  const id = text.toLowerCase();
  if (!isUuid(id)) throw new QueryError(field, `expected a UUID, got "${text.slice(0, 100)}"`);
  return id;
}

function parseId(parameters: QueryParameters, field: string): string | null {
  const text = parameters.text(field, 100);
  return text === undefined ? null : requireId(field, text);
}

function requireOrder(from: number | null, to: number | null): void {
  if (from !== null && to !== null && from > to) throw new QueryError('from', 'must not be after "to"');
}
