import type Type from 'typebox';
import { Compile } from 'typebox/compile';
import { arrayLimits, explainer, IssueList } from './schema-issues.js';

/** One thing that is wrong with an item: `field` is its path (`location.lat`; empty for the item itself), `rule` what it breaks. */
export interface FieldIssue {
  readonly kind: 'missing' | 'invalid' | 'unknown';
  readonly field: string;
  readonly rule: string;
}

/** Most issues that are told of one item. */
export const MAX_ISSUES_PER_ITEM = 8;

/** A schema compiled for the hot path. */
export interface Validator<T> {
  /**
   * The first {@link MAX_ISSUES_PER_ITEM} things that are wrong with a value; empty means that it is a `T`. The work is
   * bounded by the schema, but for one look at the names of the value's fields.
   */
  issues(value: unknown): FieldIssue[];
  /** Whether a value has no issues. */
  check(value: unknown): value is T;
}

/**
 * Compiles a schema, with rules beyond it that are asked only of values which match it. The schema library answers
 * whether a value matches; its explanations are not used: they visit every element of every array.
 *
 * @throws TypeError for a schema with a keyword that can't be explained
 */
export function compileValidator<S extends Type.TSchema>(
  schema: S,
  beyondSchema: (value: Type.Static<S>) => FieldIssue[] = () => [],
): Validator<Type.Static<S>> {
  const compiled = Compile(schema);
  const explain = explainer(schema);
  const limits = arrayLimits(schema);
  const matches = (value: unknown): value is Type.Static<S> =>
    !hasLongArray(value, limits) && compiled.Check(value);
  const issues = (value: unknown): FieldIssue[] => {
    if (matches(value)) return beyondSchema(value);
    const list = new IssueList(MAX_ISSUES_PER_ITEM);
    explain(value, list);
    if (list.found.length === 0) list.add('invalid', 'does not match the schema');
    return list.found;
  };
  return { issues, check: (value): value is Type.Static<S> => issues(value).length === 0 };
}

/** The schema library looks at the elements of an array before its length: too long ones are not shown to it. */
function hasLongArray(value: unknown, limits: readonly [field: string, maxItems: number][]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return limits.some(([field, maxItems]) => {
    const array = (value as Readonly<Record<string, unknown>>)[field];
    return Array.isArray(array) && array.length > maxItems;
  });
}
