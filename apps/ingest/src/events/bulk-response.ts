import type { FieldIssue } from '@hailstream/events';
import { OversizedItem } from '../body/unparsed.js';

/** Limits of an item that is returned in its failure: nesting, fields and elements, length as JSON. */
const MAX_ECHO_DEPTH = 16;
const MAX_ECHO_VALUES = 500;
const MAX_ECHO_CHARS = 16_384;

/** Maximum number of values, and of characters, of all items that are returned in a response. */
const MAX_ECHO_TOTAL_VALUES = 50_000;
const MAX_ECHO_TOTAL_CHARS = 1_048_576;

/** Length of the longest number as JSON. */
const NUMBER_CHARS = 25;

/** Maximum length of a field name in a failure: a name can be as long as the body. */
const MAX_FIELD_CHARS = 100;

/** `bad_param` and `missing_param` are MDS's. `retryable`: the item is valid, but was not written. */
export const failureCodes = ['bad_param', 'missing_param', 'retryable'] as const;
type FailureCode = (typeof failureCodes)[number];

/** One item that was not written. `index` is its position in the request; the other fields are MDS's. */
export interface Failure {
  /** The item as received; `null` if it is too large or nested too deeply to be returned. */
  readonly item: unknown;
  readonly index: number;
  readonly error: FailureCode;
  readonly error_description: string;
  /** Names of the fields concerned. */
  readonly error_details: readonly string[];
}

/** @see MDS 2.0.2, general information, Bulk Responses */
export interface BulkResponse {
  readonly success: number;
  readonly total: number;
  readonly failures: readonly Failure[];
}

/** 201 if at least one item was written, or would be, or the request had none; 400 if every item failed. */
export function statusOf({ success, total }: BulkResponse): number {
  return success > 0 || total === 0 ? 201 : 400;
}

/** What the items that are returned in a response may still have. */
export class EchoBudget {
  private values = MAX_ECHO_TOTAL_VALUES;
  private chars = MAX_ECHO_TOTAL_CHARS;

  /** Returns the item if it is small and shallow enough to be returned, and the budget allows it; otherwise `null`. */
  echo(item: unknown): unknown {
    const size = item instanceof OversizedItem ? undefined : sizeOf(item);
    if (size === undefined || size.values > this.values || size.chars > this.chars) return null;
    this.values -= size.values;
    this.chars -= size.chars;
    return item;
  }
}

/** Creates the failure of an invalid item. */
export function invalidItem(
  item: unknown,
  index: number,
  { issues, budget }: { readonly issues: readonly FieldIssue[]; readonly budget: EchoBudget },
): Failure {
  return {
    item: budget.echo(item),
    index,
    error: issues.every(({ kind }) => kind === 'missing') ? 'missing_param' : 'bad_param',
    error_description: issues.map(({ field, rule }) => `${shortened(field) || 'item'} ${rule}`).join('; '),
    error_details: issues.map(({ field }) => shortened(field)).filter((field) => field !== ''),
  };
}

/** Creates the failure of a valid item that was not written. */
export function unwrittenItem(item: unknown, index: number, reason: string): Failure {
  return {
    item,
    index,
    error: 'retryable',
    error_description: `not written: ${reason}; retry with the same id`,
    error_details: [],
  };
}

/**
 * The number of values of an item, and at most how many characters it has as JSON; `undefined` if it exceeds a limit. Stops at
 * the first exceeded limit. Iterates by level instead of recursing, because an item can be nested deeply.
 */
function sizeOf(item: unknown): { readonly values: number; readonly chars: number } | undefined {
  let level: unknown[] = [item];
  let values = 1;
  let chars = 0;
  for (let depth = 0; depth <= MAX_ECHO_DEPTH && level.length > 0; depth += 1) {
    const next: unknown[] = [];
    for (const value of level) {
      chars += charsOf(value);
      if (typeof value !== 'object' || value === null) continue;
      const names = Array.isArray(value) ? undefined : Object.keys(value);
      values += names === undefined ? (value as unknown[]).length : names.length;
      if (values > MAX_ECHO_VALUES || chars > MAX_ECHO_CHARS) return undefined;
      for (const name of names ?? []) chars += textChars(name) + 1;
      next.push(...Object.values(value));
    }
    level = next;
  }
  return level.length === 0 && chars <= MAX_ECHO_CHARS ? { values, chars } : undefined;
}

/** At least the length of a value as JSON with a separator, without what it contains. */
function charsOf(value: unknown): number {
  if (typeof value === 'string') return textChars(value) + 1;
  if (typeof value !== 'number') return 6;
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? 8 : NUMBER_CHARS;
}

/** At least the length of a text as JSON. */
function textChars(text: string): number {
  const isEscaped = text.length <= MAX_ECHO_CHARS && ESCAPED.test(text);
  return 2 + text.length * (isEscaped ? 6 : 1);
}

/** Characters that JSON escapes. */
// eslint-disable-next-line no-control-regex
const ESCAPED = /[\u0000-\u001f"\\\ud800-\udfff]/;

function shortened(field: string): string {
  return field.length <= MAX_FIELD_CHARS ? field : `${field.slice(0, MAX_FIELD_CHARS)}…`;
}
