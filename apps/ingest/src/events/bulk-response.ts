import type { FieldIssue } from '@hailstream/events';
import { OversizedItem } from '../body/oversized-items.js';

/** Deepest nesting, most fields and elements, and longest text of an item that is sent back with its failure. */
const MAX_ECHO_DEPTH = 16;
const MAX_ECHO_VALUES = 500;
const MAX_ECHO_CHARS = 16_384;

/** Longest name of a field that is told: names can be as long as the body. */
const MAX_FIELD_CHARS = 100;

/** `bad_param` and `missing_param` are MDS's; `retryable` says that the item was good, and the log did not take it. */
export const failureCodes = ['bad_param', 'missing_param', 'retryable'] as const;
export type FailureCode = (typeof failureCodes)[number];

/** One item that was not written. `index` is its place in the request; the rest is as MDS has it. */
export interface Failure {
  /** The item as it was sent; `null` where it is too large or too deep to be sent back. */
  readonly item: unknown;
  readonly index: number;
  readonly error: FailureCode;
  readonly error_description: string;
  /** The fields that are meant. */
  readonly error_details: readonly string[];
}

/** @see MDS 2.0.2, general information, Bulk Responses */
export interface BulkResponse {
  readonly success: number;
  readonly total: number;
  readonly failures: readonly Failure[];
}

/** The failure of an item that is not an event. */
export function invalidItem(item: unknown, index: number, issues: readonly FieldIssue[]): Failure {
  return {
    item: echo(item),
    index,
    error: issues.every(({ kind }) => kind === 'missing') ? 'missing_param' : 'bad_param',
    error_description: issues.map(({ field, rule }) => `${shortened(field) || 'item'} ${rule}`).join('; '),
    error_details: issues.map(({ field }) => shortened(field)).filter((field) => field !== ''),
  };
}

/** The failure of an event that the log did not take. */
export function unwrittenItem(item: unknown, index: number, reason: string): Failure {
  return {
    item,
    index,
    error: 'retryable',
    error_description: `not written: ${reason}; send it again with the same id`,
    error_details: [],
  };
}

/** The item, if it is small and shallow enough to be written out again; else `null`. */
function echo(item: unknown): unknown {
  if (item instanceof OversizedItem || !isSmall(item)) return null;
  return JSON.stringify(item).length <= MAX_ECHO_CHARS ? item : null;
}

/**
 * Whether an item is shallow and holds few enough values and characters, as far as that can be told without writing it
 * out. Ends as soon as it is known; level by level and not by recursion, for an item can be deep.
 */
function isSmall(item: unknown): boolean {
  let level: unknown[] = [item];
  let values = 1;
  let chars = 0;
  for (let depth = 0; depth <= MAX_ECHO_DEPTH && level.length > 0; depth += 1) {
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'string') chars += value.length;
      if (typeof value !== 'object' || value === null) continue;
      const names = Array.isArray(value) ? undefined : Object.keys(value);
      values += names === undefined ? (value as unknown[]).length : names.length;
      if (values > MAX_ECHO_VALUES || chars > MAX_ECHO_CHARS) return false;
      for (const name of names ?? []) chars += name.length;
      next.push(...Object.values(value));
    }
    level = next;
  }
  return level.length === 0 && chars <= MAX_ECHO_CHARS;
}

function shortened(field: string): string {
  return field.length <= MAX_FIELD_CHARS ? field : `${field.slice(0, MAX_FIELD_CHARS)}…`;
}
