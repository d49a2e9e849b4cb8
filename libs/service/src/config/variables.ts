import { UUID_PATTERN } from '../uuid.js';
import Type from 'typebox';

/** A whole number in decimal digits. */
export function Int(options: { default?: number; minimum?: number; maximum?: number } = {}) {
  return Type.Integer(options);
}

/** A duration: `500ms`, `60s`, `15m`, `24h`, or a number of milliseconds. Parsed to milliseconds. */
export function Duration(options: { default?: number; minimum?: number; maximum?: number } = {}) {
  return Type.Integer({ minimum: 0, ...options, unit: 'ms' });
}

/** `true` or `false`. */
export function Flag(options: { default?: boolean } = {}) {
  return Type.Boolean(options);
}

/** A comma-separated list of at least one entry, without the blanks around entries. `pattern` applies to each entry. */
export function List(options: { default?: string[]; pattern?: string; description?: string } = {}) {
  const { pattern, ...rest } = options;
  return Type.Array(Type.String({ minLength: 1, ...(pattern !== undefined && { pattern }) }), {
    minItems: 1,
    ...rest,
  });
}

/** A value that is never shown in a message. */
export function Secret(options: { minLength?: number } = {}) {
  return Type.String({ minLength: 1, ...options, secret: true });
}

/** A URL with one of these schemes. Never shown in a message, because it may contain a password. */
export function SecretUrl(...schemes: string[]) {
  return Type.String({
    pattern: `^(${schemes.join('|')})://.+`,
    description: urlDescription(schemes),
    secret: true,
  });
}

/** A URL with one of these schemes. */
export function Url(schemes: readonly string[] = ['http', 'https'], options: { default?: string } = {}) {
  return Type.String({
    pattern: `^(${schemes.join('|')})://.+`,
    description: urlDescription(schemes),
    ...options,
  });
}

/** A TCP port; 0 selects a free one. */
export function Port(defaultPort: number) {
  return Type.Integer({ minimum: 0, maximum: 65_535, default: defaultPort });
}

/** A UUID in lower case. */
export function Uuid(options: { default?: string } = {}) {
  return Type.String({
    pattern: UUID_PATTERN,
    description: 'a UUID in lower case',
    ...options,
  });
}

function urlDescription(schemes: readonly string[]): string {
  return `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
}
