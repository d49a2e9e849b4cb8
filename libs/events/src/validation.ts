import type Type from 'typebox';
import { Compile } from 'typebox/compile';

/** One thing that is wrong with an item: `field` is its path (`location.lat`; empty for the item itself), `rule` what it breaks. */
export interface FieldIssue {
  readonly kind: 'missing' | 'invalid' | 'unknown';
  readonly field: string;
  readonly rule: string;
}

/** Most issues that are told of one item: the rest would repeat what is known. */
export const MAX_ISSUES_PER_ITEM = 20;

/** A schema compiled for the hot path. */
export interface Validator<T> {
  /** All that is wrong with a value, at most {@link MAX_ISSUES_PER_ITEM}; empty means that it is a `T`. */
  issues(value: unknown): FieldIssue[];
  /** Whether a value has no issues. */
  check(value: unknown): value is T;
}

/** Compiles a schema, with rules beyond it that are asked only of values which match it. */
export function compileValidator<S extends Type.TSchema>(
  schema: S,
  beyondSchema: (value: Type.Static<S>) => FieldIssue[] = () => [],
): Validator<Type.Static<S>> {
  const compiled = Compile(schema);
  const issues = (value: unknown): FieldIssue[] =>
    compiled.Check(value)
      ? beyondSchema(value as Type.Static<S>)
      : schemaIssues(compiled.Errors(value)).slice(0, MAX_ISSUES_PER_ITEM);
  return { issues, check: (value): value is Type.Static<S> => issues(value).length === 0 };
}

type SchemaError = ReturnType<ReturnType<typeof Compile>['Errors']>[number];

/** Turns the schema library's errors into issues by field: one a field, the most telling of those it has. */
function schemaIssues(errors: readonly SchemaError[]): FieldIssue[] {
  const byField = new Map<string, FieldIssue>();
  for (const error of errors) {
    for (const issue of issuesOf(error)) {
      if (!byField.has(issue.field)) byField.set(issue.field, issue);
    }
  }
  return [...byField.values()];
}

function issuesOf(error: SchemaError): FieldIssue[] {
  const path = fieldPath(error.instancePath);
  switch (error.keyword) {
    // Said again, with the names of the fields, by `additionalProperties`.
    case 'boolean':
      return [];
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => ({
        kind: 'unknown' as const,
        field: join(path, name),
        rule: 'is not a field of this item',
      }));
    case 'required':
      return error.params.requiredProperties.map((name) => ({
        kind: 'missing' as const,
        field: join(path, name),
        rule: 'is required',
      }));
    case 'pattern':
      return [{ kind: 'invalid', field: path, rule: patternRule(error.params.pattern) }];
    case 'enum':
      return [
        { kind: 'invalid', field: path, rule: `must be one of ${error.params.allowedValues.join(', ')}` },
      ];
    default:
      return [{ kind: 'invalid', field: path, rule: error.message }];
  }
}

function patternRule(pattern: string | RegExp): string {
  return String(pattern).includes('[0-9a-f]{12}')
    ? 'must be a UUID in lower case'
    : `must match ${String(pattern)}`;
}

/** A JSON pointer as a dotted path. */
function fieldPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
