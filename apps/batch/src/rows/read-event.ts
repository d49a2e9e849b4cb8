import { isUtf8 } from 'node:buffer';
import type { EventFamily } from '@hailstream/events';
import { dayOf, isLoadable, MAX_DAYS_AHEAD, MAX_DAYS_BACK, startOf } from './day.js';
import { UnloadableError } from './unloadable.errors.js';

/**
 * Reads a record's value as an event of a family that Postgres can hold.
 *
 * @throws UnloadableError with the reason where it is not one
 */
export function readEvent<T>(family: EventFamily<T>, value: Buffer | null, nowMs: number): T {
  if (value === null) throw new UnloadableError('the record has no value');
  if (!isUtf8(value)) throw new UnloadableError('not UTF-8');
  const event = parse(value);
  const issues = family.validator.issues(event);
  if (issues.length > 0) {
    throw new UnloadableError(issues.map(({ field, rule }) => `${field || 'the item'}: ${rule}`).join('; '));
  }
  // In JSON that is UTF-8, NUL and halves of surrogate pairs can only be written as escapes.
  if (value.includes('\\u')) refuseUnstorable(event, '');
  const valid = event as T;
  const day = dayOf(family.eventTime(valid));
  if (!isLoadable(day, nowMs)) {
    const bounds = `${MAX_DAYS_BACK} days back to ${MAX_DAYS_AHEAD} days ahead`;
    throw new UnloadableError(`the event is of ${startOf(day).slice(0, 10)}, not from ${bounds}`);
  }
  return valid;
}

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'));
  } catch (error) {
    throw new UnloadableError(`not JSON: ${(error as SyntaxError).message}`, { cause: error });
  }
}

/** Postgres has no NUL in text, and UTF-8 no half of a surrogate pair. */
function refuseUnstorable(value: unknown, path: string): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new UnloadableError(`${path}: has a NUL character`);
    if (!value.isWellFormed()) throw new UnloadableError(`${path}: has half of a surrogate pair`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      refuseUnstorable(field, path === '' ? name : `${path}.${name}`);
    }
  }
}
