import { readFileSync } from 'node:fs';
import type Type from 'typebox';
import { Check } from 'typebox/schema';

/** An invalid environment variable. `got` never contains a secret. */
export interface ConfigIssue {
  readonly variable: string;
  readonly expected: string;
  readonly got: string;
}

/** The environment is invalid. Lists every invalid variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';

  constructor(readonly issues: readonly ConfigIssue[]) {
    super(
      issues.map(({ variable, expected, got }) => `${variable}: expected ${expected}, got ${got}`).join('\n'),
    );
  }
}

/** The members of a variable's schema that this module reads. */
interface VariableSchema extends Type.TSchema {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly secret?: boolean;
  readonly unit?: 'ms';
}

const MILLISECONDS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads the variables of a schema from an environment: parsed, checked, defaults filled in. An empty variable
 * counts as not set. Instead of a secret, `<NAME>_FILE` may hold the path of a file that contains it.
 *
 * @throws ConfigError if a variable is missing or invalid; it lists all of them
 */
export function readEnv<P extends Type.TProperties>(
  schema: Type.TObject<P>,
  env: NodeJS.ProcessEnv,
): Type.Static<Type.TObject<P>> {
  const issues: ConfigIssue[] = [];
  const values: Record<string, unknown> = {};
  const required = new Set<string>((schema.required as readonly string[] | undefined) ?? []);
  for (const [variable, property] of Object.entries(schema.properties)) {
    const variableSchema = property as VariableSchema;
    const source = variableSchema.secret ? secretSource(variable, env) : plainSource(variable, env);
    if ('issue' in source) {
      issues.push(source.issue);
      continue;
    }
    const { text } = source;
    if (text === '') {
      if (variableSchema.default !== undefined) values[variable] = variableSchema.default;
      else if (required.has(variable)) {
        issues.push({ variable, expected: expectation(variableSchema), got: 'nothing' });
      }
      continue;
    }
    const value = parse(text, variableSchema);
    if (value !== undefined && Check(variableSchema, value)) values[variable] = value;
    else {
      const got = shown(text, variableSchema);
      issues.push({ variable: source.variable, expected: expectation(variableSchema), got });
    }
  }
  if (issues.length > 0) throw new ConfigError(issues);
  return Object.freeze(values) as Type.Static<Type.TObject<P>>;
}

/** Text of a variable, and the name of the variable it was read from. */
type Source = { readonly variable: string; readonly text: string } | { readonly issue: ConfigIssue };

function plainSource(variable: string, env: NodeJS.ProcessEnv): { variable: string; text: string } {
  return { variable, text: env[variable]?.trim() ?? '' };
}

/** Text of a secret, from the environment or from the file that `<NAME>_FILE` names, as containers provide it. */
function secretSource(variable: string, env: NodeJS.ProcessEnv): Source {
  const direct = plainSource(variable, env);
  const byFile = plainSource(`${variable}_FILE`, env);
  if (byFile.text === '') return direct;
  const path = byFile.text;
  const issue = (expected: string, got: string): Source => ({
    issue: { variable: byFile.variable, expected, got },
  });
  if (direct.text !== '') return issue(`no value, because ${variable} is set`, JSON.stringify(path));
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (text !== '') return { variable: byFile.variable, text };
    return issue('the path of a file that holds the secret', `${JSON.stringify(path)} (empty)`);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return issue('the path of a file that holds the secret', `${JSON.stringify(path)} (${reason})`);
  }
}

/** The text as its schema's type; `undefined` if it cannot be converted. */
function parse(text: string, schema: VariableSchema): unknown {
  switch (schema.type) {
    case 'integer':
      return schema.unit === 'ms' ? parseDuration(text) : parseNumber(text, /^-?\d+$/);
    case 'number':
      return parseNumber(text, /^-?\d+(\.\d+)?$/);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'array':
      return text
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '');
    default:
      return text;
  }
}

function parseNumber(text: string, form: RegExp): number | undefined {
  return form.test(text) ? Number(text) : undefined;
}

/** The milliseconds of `500ms`, `60s`, `15m`, `24h` or a number of milliseconds; `undefined` for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text);
  const perUnit = MILLISECONDS_PER_UNIT[match?.[2] ?? 'ms'];
  return match && perUnit ? Number(match[1]) * perUnit : undefined;
}

function expectation(schema: VariableSchema): string {
  if (schema.description !== undefined) return schema.description;
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'integer':
      return `${schema.unit === 'ms' ? 'a duration such as 500ms, 60s or 15m' : 'a whole number'}${bounds(schema)}`;
    case 'number':
      return `a number${bounds(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a comma-separated list';
    default:
      return schema.minLength !== undefined && schema.minLength > 1
        ? `at least ${schema.minLength} characters`
        : 'a value';
  }
}

function bounds({ minimum, maximum, unit }: VariableSchema): string {
  const suffix = unit ?? '';
  if (minimum !== undefined && maximum !== undefined)
    return ` from ${minimum}${suffix} to ${maximum}${suffix}`;
  if (minimum !== undefined && minimum > 0) return ` of at least ${minimum}${suffix}`;
  if (maximum !== undefined) return ` of at most ${maximum}${suffix}`;
  return '';
}

function shown(text: string, schema: VariableSchema): string {
  return schema.secret ? 'another value (not shown)' : JSON.stringify(text.slice(0, 200));
}
