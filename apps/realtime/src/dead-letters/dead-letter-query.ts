import type { DeadLetterEntry, DeadLetterFilter } from '@hailstream/log';

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

/** A query parameter is invalid. */
export class DeadLetterQueryError extends Error {
  override readonly name = 'DeadLetterQueryError';

  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** @throws DeadLetterQueryError */
export function parseDeadLetterQuery(query: Readonly<Record<string, unknown>>): DeadLetterQuery {
  return {
    filter: {
      groupId: text(query, 'group'),
      topic: text(query, 'topic'),
      reason: text(query, 'reason'),
      sinceMs: time(query, 'since'),
      untilMs: time(query, 'until'),
      includesRedriven: flag(query, 'all'),
    },
    limit: limitOf(query),
    after: cursorOf(query),
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

function text(query: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = query[field];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string' && value.length <= MAX_TEXT_CHARS) return value;
  throw new DeadLetterQueryError(field, `expected one text of at most ${MAX_TEXT_CHARS} characters`);
}

function time(query: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = text(query, field);
  if (value === undefined) return undefined;
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new DeadLetterQueryError(field, `expected a time such as 2026-03-01T08:00:00Z, got "${value}"`);
}

function flag(query: Readonly<Record<string, unknown>>, field: string): boolean {
  const value = text(query, field);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new DeadLetterQueryError(field, `expected true or false, got "${value}"`);
}

function limitOf(query: Readonly<Record<string, unknown>>): number {
  const value = text(query, 'limit');
  const limit = value === undefined ? DEFAULT_LIMIT : Number(value);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new DeadLetterQueryError('limit', `expected an integer from 1 to ${MAX_LIMIT}, got "${value}"`);
}

function cursorOf(query: Readonly<Record<string, unknown>>): Cursor | undefined {
  const value = text(query, 'cursor');
  if (value === undefined) return undefined;
  try {
    const [lastWrittenMs, id] = JSON.parse(Buffer.from(value, 'base64url').toString()) as unknown[];
    if (typeof lastWrittenMs === 'number' && typeof id === 'string') return { lastWrittenMs, id };
  } catch {
    // Reported below.
  }
  throw new DeadLetterQueryError('cursor', 'expected the value of next in a response');
}
