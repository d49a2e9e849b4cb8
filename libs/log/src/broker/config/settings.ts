/** How a setting's text is checked. */
export type SettingType = 'int' | 'long' | 'boolean' | 'string' | 'list' | 'double';

/** One setting by Kafka's own name. */
export interface SettingDefinition {
  readonly type: SettingType;
  readonly default: string;
  /** What it does, in a line; where its default is not Kafka's, Kafka's too. */
  readonly about: string;
  /** Allowed values, where the type does not say enough. */
  readonly oneOf?: readonly string[];
  /** Why there are no other values than these, where Kafka has more. */
  readonly because?: string;
  readonly min?: number;
  readonly max?: number;
  /** Read at start only: DescribeConfigs calls it read-only and AlterConfigs refuses it. */
  readonly readOnly?: boolean;
}

/** A setting that is unknown, or has a value it can't have. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** How clients may prove who they are. */
export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

const LARGEST_INT = 2 ** 31 - 1;

/** The parts of a list's text. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/**
 * Checks one value.
 *
 * @throws SettingError that names the setting, what was expected and what came
 */
export function checkSetting(
  name: string,
  definition: Omit<SettingDefinition, 'default' | 'about'>,
  value: string,
): void {
  const expected =
    definition.oneOf === undefined ? problemOfType(definition, value) : problemOfChoice(definition, value);
  if (expected === undefined) return;
  const why = definition.because === undefined ? '' : `: ${definition.because}`;
  throw new SettingError(`${name} must be ${expected}, not '${value}'${why}`);
}

type Checked = Omit<SettingDefinition, 'default' | 'about'>;

/** @returns what was expected, if the value is not it */
function problemOfChoice({ type, oneOf = [] }: Checked, value: string): string | undefined {
  const values = type === 'list' ? listOf(value) : [value];
  if (values.every((each) => oneOf.includes(each))) return undefined;
  if (oneOf.length === 1) return oneOf[0];
  return `${type === 'list' ? 'a list of' : 'one of'} ${oneOf.join(', ')}`;
}

/** @returns what was expected, if the value is not it */
function problemOfType({ type, min, max }: Checked, value: string): string | undefined {
  switch (type) {
    case 'boolean':
      return value === 'true' || value === 'false' ? undefined : 'true or false';
    case 'double':
      if (value.trim() === '' || !Number.isFinite(Number(value))) return 'a number';
      break;
    case 'int':
    case 'long':
      if (!/^-?\d{1,19}$/.test(value)) return 'a whole number';
      if (type === 'int' && Math.abs(Number(value)) > LARGEST_INT) return 'a 32-bit number';
      if (BigInt.asIntN(64, BigInt(value)) !== BigInt(value)) return 'a 64-bit number';
      break;
    case 'string':
    case 'list':
      return undefined;
  }
  if (min !== undefined && Number(value) < min) return `at least ${min}`;
  if (max !== undefined && Number(value) > max) return `at most ${max}`;
  return undefined;
}
