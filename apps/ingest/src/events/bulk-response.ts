import type { FieldIssue } from '@hailstream/events';
import { OversizedItem } from '../body/oversized-items.js';

/** Limits of an item that is returned in its failure: nesting, fields and elements, length as JSON. */
const MAX_ECHO_DEPTH = 16;
const MAX_ECHO_VALUES = 500;
const MAX_ECHO_CHARS = 16_384;

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

/** Creates the failure of an invalid item. */
export function invalidItem(item: unknown, index: number, issues: readonly FieldIssue[]): Failure {
  return {
    item: echo(item),
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

/** Returns the item if it is small and shallow enough to be serialized; otherwise `null`. */
function echo(item: unknown): unknown {
  if (item instanceof OversizedItem || !isSmall(item)) return null;
  return JSON.stringify(item).length <= MAX_ECHO_CHARS ? item : null;
}

/**
 * Whether an item is within the limits, as far as that is known without serializing it. Stops at the first exceeded limit.
 * Iterates by level instead of recursing, because an item can be nested deeply.
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
