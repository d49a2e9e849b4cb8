/** Types of settings. */
type SettingType = 'int' | 'long' | 'boolean' | 'string' | 'list' | 'double';

/** Definition of a setting. */
export interface SettingDefinition {
  readonly type: SettingType;
  readonly default: string;
  /** Description in one line, with Kafka's default if it differs. */
  readonly about: string;
  /** Allowed values, if the type does not define them. */
  readonly oneOf?: readonly string[];
  /** Why other values of Kafka are not supported. */
  readonly because?: string;
  readonly min?: number;
  readonly max?: number;
  /** Read at start only; AlterConfigs rejects it. */
  readonly readOnly?: boolean;
}

/** A setting is unknown or invalid. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** Supported SASL mechanisms. */
export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** The largest values of the types. Kafka's default for a setting without a limit. */
const LARGEST_INT = 2 ** 31 - 1;
export const LARGEST_LONG = 2n ** 63n - 1n;

/** The elements of a list. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/**
 * Validates a value.
 *
 * @throws SettingError with the setting, the expected and the actual value
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
  throw new SettingError(`${name} must be ${expected}, got '${value}'${why}`);
}

type Checked = Omit<SettingDefinition, 'default' | 'about'>;

/** @returns what is expected if the value is invalid, else undefined */
function problemOfChoice({ type, oneOf = [] }: Checked, value: string): string | undefined {
  const values = type === 'list' ? listOf(value) : [value];
  if (values.every((each) => oneOf.includes(each))) return undefined;
  if (oneOf.length === 1) return oneOf[0];
  return `${type === 'list' ? 'a list of' : 'one of'} ${oneOf.join(', ')}`;
}

/** @returns what is expected if the value is invalid, else undefined */
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
