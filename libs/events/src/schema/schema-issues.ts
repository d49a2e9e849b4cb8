import { UUID_PATTERN } from '@hailstream/service/uuid';
import { requireSupported, UnsupportedSchemaError, type SchemaNode } from './schema-node.js';

/** A rule that an item breaks. `field` is a path (`location.lat`), empty for the item itself. */
export interface FieldIssue {
  readonly kind: 'missing' | 'invalid' | 'unknown';
  readonly field: string;
  readonly rule: string;
}

/** Adds the issues of a value to `issues`, up to its limit. */
type Explain = (value: unknown, issues: IssueList) => void;

/** Collects the first issues of a value. */
export class IssueList {
  readonly found: FieldIssue[] = [];
  /** Field names and array indexes that lead to the value being checked. */
  readonly path: (string | number)[] = [];

  constructor(private readonly limit: number) {}

  get isFull(): boolean {
    return this.found.length >= this.limit;
  }

  /** Adds an issue of the value being checked, or of one of its fields. */
  add(kind: FieldIssue['kind'], rule: string, name?: string): void {
    if (this.isFull) return;
    const path = name === undefined ? this.path : [...this.path, name];
    this.found.push({ kind, field: path.join('.'), rule });
  }
}

/**
 * Compiles a schema to a function that explains why a value does not match. The work is bounded by the schema and the
 * limit of issues, not by the value: lengths are checked before elements and characters, checking an array stops at the
 * first element that does not match, and the content of unknown fields is not visited.
 *
 * @throws UnsupportedSchemaError if the schema has an unsupported keyword
 */
export function explainer(schema: object): Explain {
  const node = requireSupported(schema);
  if (node.anyOf !== undefined) return explainAnyOf(node.anyOf);
  if (node.enum !== undefined) return explainValues(node.enum);
  if (node.const !== undefined) return explainValues([node.const]);
  switch (node.type) {
    case 'object':
      return explainObject(node);
    case 'array':
      return explainArray(node);
    case 'string':
      return explainString(node);
    case 'number':
    case 'integer':
      return explainNumber(node);
    case 'boolean':
    case 'null':
      return explainType(node.type);
    default:
      throw new UnsupportedSchemaError('a schema without type, enum, const or anyOf is not supported');
  }
}

/** Returns the maximum length of each array among an object's fields. */
export function arrayLimits(schema: object): [field: string, maxItems: number][] {
  return Object.entries((schema as SchemaNode).properties ?? {}).flatMap(([field, node]) => {
    const limits = [node, ...(node.anyOf ?? [])].flatMap(({ maxItems }) => maxItems ?? []);
    return limits.length === 0 ? [] : [[field, Math.max(...limits)]];
  });
}

function explainObject({ properties = {}, required = [], additionalProperties = true }: SchemaNode): Explain {
  const known = Object.entries(properties).map(([name, node]) => [name, explainer(node)] as const);
  return (value, issues) => {
    if (!isObject(value)) return issues.add('invalid', 'must be object');
    for (const name of required) {
      if (!(name in value)) issues.add('missing', 'is required', name);
    }
    if (!additionalProperties) addUnknownFields(value, properties, issues);
    for (const [name, explain] of known) {
      if (issues.isFull) return;
      if (value[name] === undefined && (!required.includes(name) || !(name in value))) continue;
      issues.path.push(name);
      explain(value[name], issues);
      issues.path.pop();
    }
  };
}

function addUnknownFields(value: object, properties: object, issues: IssueList): void {
  if (issues.isFull) return;
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue;
    issues.add('unknown', 'is not a field of this item', name);
    if (issues.isFull) return;
  }
}

function explainArray({ items, minItems = 0, maxItems = Infinity }: SchemaNode): Explain {
  const explainElement = items === undefined ? () => undefined : explainer(items);
  return (value, issues) => {
    if (!Array.isArray(value)) return issues.add('invalid', 'must be array');
    if (value.length > maxItems) return issues.add('invalid', `must not have more than ${maxItems} items`);
    if (value.length < minItems) return issues.add('invalid', `must not have fewer than ${minItems} items`);
    const before = issues.found.length;
    for (let index = 0; index < value.length && issues.found.length === before; index += 1) {
      issues.path.push(index);
      explainElement(value[index], issues);
      issues.path.pop();
    }
  };
}

function explainString({ pattern, minLength = 0, maxLength = Infinity }: SchemaNode): Explain {
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const rule = patternRule(pattern ?? '');
  return (value, issues) => {
    if (typeof value !== 'string') return issues.add('invalid', 'must be string');
    if (isLongerThan(value, maxLength)) {
      return issues.add('invalid', `must not have more than ${maxLength} characters`);
    }
    if (!isLongerThan(value, minLength - 1)) {
      return issues.add('invalid', `must not have fewer than ${minLength} characters`);
    }
    if (expression !== undefined && !expression.test(value)) issues.add('invalid', rule);
  };
}

/** Whether a text has more than a number of characters, each of which is one or two code units. */
function isLongerThan(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  return text.length > 2 * characters || Array.from(text).length > characters;
}

function patternRule(pattern: string): string {
  return pattern === UUID_PATTERN ? 'must be a UUID in lower case' : `must match ${pattern}`;
}

function explainNumber({ type, minimum = -Infinity, maximum = Infinity }: SchemaNode): Explain {
  const isOfType = type === 'integer' ? Number.isInteger : Number.isFinite;
  return (value, issues) => {
    if (!isOfType(value)) issues.add('invalid', `must be ${type}`);
    else if ((value as number) < minimum) issues.add('invalid', `must be >= ${minimum}`);
    else if ((value as number) > maximum) issues.add('invalid', `must be <= ${maximum}`);
  };
}

function explainType(type: 'boolean' | 'null'): Explain {
  return (value, issues) => {
    if (typeOf(value) !== type) issues.add('invalid', `must be ${type}`);
  };
}

function explainValues(values: NonNullable<SchemaNode['enum']>): Explain {
  const rule = values.length === 1 ? `must be ${values.join()}` : `must be one of ${values.join(', ')}`;
  return (value, issues) => {
    if (!values.includes(value as (typeof values)[number])) issues.add('invalid', rule);
  };
}

/** Explains a union by the member that has the type of the value, which is most likely the intended one. */
function explainAnyOf(nodes: readonly SchemaNode[]): Explain {
  const literals = nodes.flatMap((node) => node.const ?? []);
  if (literals.length === nodes.length) return explainValues(literals);
  const members = nodes.map((node) => ({ node, explain: explainer(node) }));
  const rule = `must be ${nodes.map(nameOf).join(' or ')}`;
  return (value, issues) => {
    const type = typeOf(value);
    let meant: IssueList | undefined;
    for (const { node, explain } of members) {
      const own = new IssueList(MAX_ISSUES_OF_MEMBER);
      own.path.push(...issues.path);
      explain(value, own);
      if (own.found.length === 0) return;
      const isMeant =
        node.const === undefined && (node.type === type || (node.type === 'integer' && type === 'number'));
      if (isMeant) meant ??= own;
    }
    if (meant === undefined) return issues.add('invalid', rule);
    for (const issue of meant.found) {
      if (!issues.isFull) issues.found.push(issue);
    }
  };
}

/** Maximum number of issues for a field with several types. */
const MAX_ISSUES_OF_MEMBER = 4;

function nameOf(node: SchemaNode): string {
  if (node.const !== undefined) return String(node.const);
  return node.enum === undefined ? (node.type ?? 'another type') : `one of ${node.enum.join(', ')}`;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeOf(value) === 'object';
}
