type Literal = string | number | boolean | null;

/** The supported part of JSON Schema. @see JSON Schema 2020-12, validation */
export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly const?: Literal;
  readonly enum?: readonly Literal[];
  readonly anyOf?: readonly SchemaNode[];
}

const KEYWORDS: ReadonlySet<string> = new Set<keyof SchemaNode>([
  'type', 'properties', 'required', 'additionalProperties', 'items', 'minItems', 'maxItems', 'pattern', 'minLength',
  'maxLength', 'minimum', 'maximum', 'const', 'enum', 'anyOf',
]); // prettier-ignore
/** Do not affect validation. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['$id', 'title', 'description', 'default', 'examples']);

/** A schema with a part that is not supported. */
export class UnsupportedSchemaError extends Error {
  override readonly name = 'UnsupportedSchemaError';
  readonly code = 'UNSUPPORTED_SCHEMA';
  readonly retryable = false;
}

/** @throws UnsupportedSchemaError if the schema has an unsupported keyword */
export function requireSupported(schema: object): SchemaNode {
  const unknown = Object.keys(schema).find((keyword) => !KEYWORDS.has(keyword) && !ANNOTATIONS.has(keyword));
  if (unknown !== undefined)
    throw new UnsupportedSchemaError(`the schema keyword ${unknown} is not supported`);
  return schema as SchemaNode;
}
