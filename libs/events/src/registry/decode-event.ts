import { isUtf8 } from 'node:buffer';
import type { FieldIssue } from '../schema/schema-issues.js';
import type { AnyEvent, EventFamily } from './event-family.js';

/** A record's value is not an event of its topic's family. */
export class EventDecodeError extends Error {
  override readonly name = 'EventDecodeError';
  readonly retryable = false;

  constructor(
    readonly code: 'NO_VALUE' | 'NOT_UTF8' | 'NOT_JSON' | 'INVALID',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Decodes the value of a record.
 *
 * @throws EventDecodeError if the value is not an event of the family
 */
export function decodeEvent<E extends AnyEvent>(family: EventFamily<E>, value: Buffer | null): E {
  if (value === null) throw new EventDecodeError('NO_VALUE', 'the record has no value');
  if (!isUtf8(value)) throw new EventDecodeError('NOT_UTF8', 'not UTF-8');
  const event = parseJson(value);
  const issues = family.validator.issues(event);
  if (issues.length > 0) throw new EventDecodeError('INVALID', describeIssues(issues));
  return family.normalize(event as E);
}

function parseJson(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'));
  } catch (error) {
    throw new EventDecodeError('NOT_JSON', `not JSON: ${(error as SyntaxError).message}`, { cause: error });
  }
}

function describeIssues(issues: readonly FieldIssue[]): string {
  return issues.map(({ field, rule }) => `${field || 'the event'}: ${rule}`).join('; ');
}
