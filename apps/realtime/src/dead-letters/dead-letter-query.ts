import type { DeadLetterEntry, DeadLetterFilter } from '@hailstream/log';
import { QueryError, QueryParameters } from '../query/query-parameters.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
/** Characters of a text to filter by. */
const MAX_TEXT_CHARS = 1_000;

/** A position in the list, after this dead letter. */
interface Cursor {
  readonly lastWrittenMs: number;
  readonly id: string;
}

/** What a request for dead letters selects. */
export interface DeadLetterQuery {
  readonly filter: Omit<DeadLetterFilter, 'owner'>;
  readonly limit: number;
  readonly after: Cursor | undefined;
}

/** @throws QueryError if a parameter is invalid */
export function parseDeadLetterQuery(query: Readonly<Record<string, unknown>>): DeadLetterQuery {
  const parameters = new QueryParameters(query);
  return {
    filter: {
      groupId: parameters.text('group', MAX_TEXT_CHARS),
      topic: parameters.text('topic', MAX_TEXT_CHARS),
      reason: parameters.text('reason', MAX_TEXT_CHARS),
      sinceMs: time(parameters, 'since'),
      untilMs: time(parameters, 'until'),
      includesRedriven: flag(parameters, 'all'),
    },
    limit: parameters.integer('limit', { default: DEFAULT_LIMIT, minimum: 1, maximum: MAX_LIMIT }),
    after: cursorOf(parameters),
  };
}

/** The `cursor` of the page after this dead letter. */
export function cursorAfter({ lastWrittenMs, id }: DeadLetterEntry): string {
  return Buffer.from(JSON.stringify([lastWrittenMs, id])).toString('base64url');
}

/** Whether a dead letter is behind the cursor in the order of the list. */
export function isAfter({ lastWrittenMs, id }: DeadLetterEntry, cursor: Cursor): boolean {
  return lastWrittenMs < cursor.lastWrittenMs || (lastWrittenMs === cursor.lastWrittenMs && id > cursor.id);
}

function time(parameters: QueryParameters, field: string): number | undefined {
  const value = parameters.text(field, MAX_TEXT_CHARS);
  if (value === undefined) return undefined;
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new QueryError(field, `expected a time such as 2026-03-01T08:00:00Z, got "${value}"`);
}

function flag(parameters: QueryParameters, field: string): boolean {
  const value = parameters.text(field, MAX_TEXT_CHARS);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new QueryError(field, `expected true or false, got "${value}"`);
}

function cursorOf(parameters: QueryParameters): Cursor | undefined {
  const value = parameters.text('cursor', MAX_TEXT_CHARS);
  if (value === undefined) return undefined;
  try {
    const [lastWrittenMs, id] = JSON.parse(Buffer.from(value, 'base64url').toString()) as unknown[];
    if (typeof lastWrittenMs === 'number' && typeof id === 'string') return { lastWrittenMs, id };
  } catch {
    // Reported below.
  }
  throw new QueryError('cursor', 'expected the value of next in a response');
}
