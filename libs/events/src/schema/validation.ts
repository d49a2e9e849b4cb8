import type Type from 'typebox';
import { Compile } from 'typebox/schema';
import { arrayLimits, explainer, IssueList, type FieldIssue } from './schema-issues.js';

/** Maximum number of issues that are reported for one item. */
export const MAX_ISSUES_PER_ITEM = 8;

/** A schema compiled for the hot path. */
export interface Validator<T> {
  /**
   * Returns the first {@link MAX_ISSUES_PER_ITEM} issues of a value; empty if it is a `T`. The work is bounded by the
   * schema, except for one enumeration of the value's field names.
   */
  issues(value: unknown): FieldIssue[];
  /** Whether a value has no issues. */
  check(value: unknown): value is T;
}

/**
 * Compiles a schema, with further rules that are applied to values that match it. The schema library decides whether a
 * value matches. Its error messages are not used, because they visit every element of every array.
 *
 * @throws UnsupportedSchemaError if the schema has an unsupported keyword
 */
export function compileValidator<S extends Type.TSchema>(
  schema: S,
  rules: (value: Type.Static<S>) => FieldIssue[] = () => [],
): Validator<Type.Static<S>> {
  const compiled = Compile(schema);
  const explain = explainer(schema);
  const limits = arrayLimits(schema);
  const matches = (value: unknown): value is Type.Static<S> =>
    !hasLongArray(value, limits) && compiled.Check(value);
  const issues = (value: unknown): FieldIssue[] => {
    if (matches(value)) return rules(value);
    const list = new IssueList(MAX_ISSUES_PER_ITEM);
    explain(value, list);
    if (list.found.length === 0) list.add('invalid', 'does not match the schema');
    return list.found;
  };
  return { issues, check: (value): value is Type.Static<S> => issues(value).length === 0 };
}

/** The schema library checks the elements of an array before its length, so arrays that are too long are checked first. */
function hasLongArray(value: unknown, limits: readonly [field: string, maxItems: number][]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return limits.some(([field, maxItems]) => {
    const array = (value as Readonly<Record<string, unknown>>)[field];
    return Array.isArray(array) && array.length > maxItems;
  });
}
