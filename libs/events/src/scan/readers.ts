import { UUID_PATTERN } from '@hailstream/service/uuid';
import { requireSupported, UnsupportedSchemaError, type SchemaNode } from '../schema/schema-node.js';
import { enumReader, numberReader, textReader, uuidReader } from './scalar-readers.js';
import {
  charactersOf,
  matches,
  NO_VALUE,
  NOT_PRESENT,
  REFUSED,
  type Read,
  type ScannedField,
  type ScanState,
} from './scan-state.js';

const [QUOTE, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = charactersOf('",[]{}');
const [TRUE, FALSE, NULL] = ['true', 'false', 'null'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
];

/**
 * Compiles a schema of objects.
 *
 * @throws UnsupportedSchemaError if the schema has a part that cannot be scanned
 */
export function compileReader(schema: object): {
  readonly read: Read;
  readonly state: ScanState;
  readonly fields: ReadonlyMap<string, ScannedField>;
} {
  const slots = countSlots(schema as SchemaNode);
  const state: ScanState = {
    bytes: Buffer.alloc(0),
    end: 0,
    starts: new Int32Array(slots),
    ends: new Int32Array(slots),
    numbers: new Float64Array(slots),
    words: new Uint32Array(slots * 4),
  };
  const compiler = new Compiler(state);
  return {
    read: compiler.object(schema as SchemaNode, { path: '', slot: 0 }),
    state,
    fields: compiler.fields,
  };
}

/** One for each field and each object. */
function countSlots({ properties = {}, anyOf = [] }: SchemaNode): number {
  return [...Object.values(properties), ...anyOf].reduce((sum, node) => sum + countSlots(node), 1);
}

interface Place {
  readonly path: string;
  readonly slot: number;
}

class Compiler {
  readonly fields = new Map<string, ScannedField>();
  private slots = 1;

  constructor(private readonly state: ScanState) {}

  /** Members may have any order; the one that was last seen after a member is compared first. */
  object(node: SchemaNode, { path, slot }: Place): Read {
    const { state } = this;
    const { properties = {}, required = [] } = requireSupported(node);
    const members = Object.entries(properties).map(([name, value]) => {
      const place = { path: path === '' ? name : `${path}.${name}`, slot: this.slots++ };
      return {
        prefix: Buffer.from(`${JSON.stringify(name)}:`),
        slot: place.slot,
        isRequired: required.includes(name),
        read: this.value(value, place),
      };
    });
    const next = Int32Array.from([...members, undefined], (_, index) => index % members.length);
    const find = (at: number): number => members.findIndex(({ prefix }) => matches(state.bytes, prefix, at));
    return (at) => {
      const { bytes, starts, ends } = state;
      if (bytes[at] !== OPEN_OBJECT) return REFUSED;
      starts[slot] = at;
      let missing = required.length;
      let end = at + 1;
      if (bytes[end] === CLOSE_OBJECT) {
        ends[slot] = end + 1;
        return missing === 0 ? end + 1 : REFUSED;
      }
      for (let before = 0; ;) {
        let index = next[before]!;
        if (!matches(bytes, members[index]!.prefix, end)) {
          index = find(end);
          // An unknown name, or no member at all.
          if (index < 0) return REFUSED;
          next[before] = index;
        }
        const member = members[index]!;
        if (starts[member.slot] !== NOT_PRESENT) return REFUSED;
        end = member.read(end + member.prefix.length);
        if (end === REFUSED) return REFUSED;
        if (member.isRequired) missing -= 1;
        const separator = bytes[end++];
        if (separator === CLOSE_OBJECT) break;
        if (separator !== COMMA) return REFUSED;
        before = index + 1;
      }
      ends[slot] = end;
      return missing === 0 ? end : REFUSED;
    };
  }

  private value(given: SchemaNode, place: Place): Read {
    const { node, isNullable } = withoutNull(requireSupported(given));
    const { kind, read } = this.typed(node, place);
    this.fields.set(place.path, { kind, slot: place.slot });
    if (!isNullable) return read;
    const { state } = this;
    return (at) => {
      if (!matches(state.bytes, NULL, at)) return read(at);
      state.starts[place.slot] = NO_VALUE;
      return at + NULL.length;
    };
  }

  private typed(
    node: SchemaNode,
    place: Place,
  ): { readonly kind: ScannedField['kind']; readonly read: Read } {
    const { state } = this;
    const literals = literalsOf(node);
    if (literals !== undefined) return { kind: 'text', read: enumReader(state, place.slot, literals) };
    switch (node.type) {
      case 'object':
        return { kind: 'object', read: this.object(node, place) };
      case 'array':
        return arrayReader(state, place.slot, node);
      case 'string':
        if (isUuid(node)) return { kind: 'uuid', read: uuidReader(state, place.slot) };
        return { kind: 'text', read: textReader(state, place.slot, node) };
      case 'number':
      case 'integer':
        return { kind: 'number', read: numberReader(state, place.slot, node) };
      case 'boolean':
        return { kind: 'boolean', read: booleanReader(state, place.slot) };
      default:
        throw new UnsupportedSchemaError(`${place.path}: the schema cannot be scanned`);
    }
  }
}

/** Elements are UUIDs or strings without escapes, so that their texts can be found again between the quotes. */
function arrayReader(
  state: ScanState,
  slot: number,
  { items = {}, minItems = 0, maxItems = Infinity }: SchemaNode,
): { readonly kind: 'uuids' | 'texts'; readonly read: Read } {
  const element = requireSupported(items);
  const literals = literalsOf(element);
  // The slot of the array is used for its elements first.
  const [kind, readElement] = isUuid(element)
    ? (['uuids', uuidReader(state, slot)] as const)
    : (['texts', literals ? enumReader(state, slot, literals) : textReader(state, slot, element)] as const);
  if (literals === undefined && element.type !== 'string')
    throw new UnsupportedSchemaError('the elements cannot be scanned');
  return {
    kind,
    read: (at) => {
      const { bytes, starts, ends } = state;
      if (bytes[at] !== OPEN_ARRAY) return REFUSED;
      let count = 0;
      let end = at + 1;
      if (bytes[end] === CLOSE_ARRAY) end += 1;
      else {
        for (;;) {
          end = readElement(end);
          count += 1;
          if (end === REFUSED || count > maxItems) return REFUSED;
          const separator = bytes[end++];
          if (separator === CLOSE_ARRAY) break;
          if (separator !== COMMA || bytes[end] !== QUOTE) return REFUSED;
        }
      }
      starts[slot] = at;
      ends[slot] = end;
      return count >= minItems ? end : REFUSED;
    },
  };
}

function booleanReader(state: ScanState, slot: number): Read {
  return (at) => {
    const text = matches(state.bytes, TRUE, at) ? TRUE : FALSE;
    if (text === FALSE && !matches(state.bytes, FALSE, at)) return REFUSED;
    state.starts[slot] = at;
    return (state.ends[slot] = at + text.length);
  };
}

function withoutNull(node: SchemaNode): { readonly node: SchemaNode; readonly isNullable: boolean } {
  if (node.anyOf === undefined || literalsOf(node) !== undefined) return { node, isNullable: false };
  const others = node.anyOf.filter(({ type }) => type !== 'null');
  if (others.length !== 1) throw new UnsupportedSchemaError('a union of several types cannot be scanned');
  return { node: requireSupported(others[0]!), isNullable: others.length < node.anyOf.length };
}

/** The texts of an enumeration; `undefined` if the node is not one. */
function literalsOf({ anyOf, enum: values, const: single }: SchemaNode): readonly string[] | undefined {
  const literals =
    values ??
    (single === undefined ? undefined : [single]) ??
    (anyOf?.every((member) => member.const !== undefined) ? anyOf.map((member) => member.const) : undefined);
  if (literals?.some((literal) => typeof literal !== 'string') === true) {
    throw new UnsupportedSchemaError('an enumeration of other values than strings cannot be scanned');
  }
  return literals as readonly string[] | undefined;
}

function isUuid({ type, pattern, minLength, maxLength }: SchemaNode): boolean {
  return type === 'string' && pattern === UUID_PATTERN && minLength === undefined && maxLength === undefined;
}
