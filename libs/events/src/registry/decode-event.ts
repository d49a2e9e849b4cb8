import { isUtf8 } from 'node:buffer';
import type { FieldIssue } from '../schema/schema-issues.js';
import type { Validator } from '../schema/validation.js';
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
  return family.normalize(decodeValue(family.validator, value));
}

/**
 * Decodes the value of a record of a topic without an event family.
 *
 * @throws EventDecodeError if the value is not valid
 */
export function decodeValue<T>(validator: Validator<T>, value: Buffer | null): T {
  if (value === null) throw new EventDecodeError('NO_VALUE', 'the record has no value');
  if (!isUtf8(value)) throw new EventDecodeError('NOT_UTF8', 'not UTF-8');
  const content = parseJson(value);
  const issues = validator.issues(content);
  if (issues.length > 0) throw new EventDecodeError('INVALID', describeIssues(issues));
  return content as T;
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
