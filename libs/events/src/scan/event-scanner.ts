import type { EventFamily } from '../registry/event-family.js';
import { compileReader } from './readers.js';
import { NO_VALUE, NOT_PRESENT, type Read, type ScannedField, type ScanState } from './scan-state.js';

/**
 * Reads events of a family from the bytes of their JSON, without creating objects, if the bytes have the form that
 * `JSON.stringify` writes: no whitespace, no escapes, only ASCII, no repeated names. It accepts a value only if the family's
 * validator accepts it and `normalize` would not change it. Any other value is left to `decodeEvent`.
 *
 * The reader is compiled from the schema. After {@link scan}, the fields of the event are read from slots.
 */
export class EventScanner {
  /** The fields by path: `location.lat`. */
  readonly fields: ReadonlyMap<string, ScannedField>;
  private readonly state: ScanState;
  private readonly read: Read;
  /** Fields that are negative if a location has to be normalized or refused. */
  private readonly notNegative: Int32Array;
  private readonly rules: EventFamily['rules'];
  private readonly ruleFields: readonly (readonly [name: string, field: ScannedField])[];

  /** @throws UnsupportedSchemaError if the schema has a part that cannot be scanned, TypeError if it lacks a declared field */
  constructor({ schema, locations, rules }: Pick<EventFamily, 'schema' | 'locations' | 'rules'>) {
    const { read, state, fields } = compileReader(schema);
    this.read = read;
    this.state = state;
    this.fields = fields;
    const checked = locations.flatMap((path) => [`${path}.heading`, `${path}.speed`]);
    this.notNegative = Int32Array.from(checked, (path) => fieldOf(fields, path).slot);
    this.rules = rules;
    this.ruleFields = rules === null ? [] : rules.fields.map((name) => [name, fieldOf(fields, name)]);
  }

  /** Reads the value between two positions. Returns whether its fields can be used, until the next call. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    // A refusal must not look like the end of a value without bytes.
    if (end <= start) return false;
    const { state, notNegative } = this;
    state.bytes = bytes;
    state.end = end;
    state.starts.fill(NOT_PRESENT);
    // A reader that has passed the end has read bytes of something else.
    if (this.read(start) !== end) return false;
    for (let index = 0; index < notNegative.length; index += 1) {
      const slot = notNegative[index]!;
      if (state.starts[slot]! >= 0 && state.numbers[slot]! < 0) return false;
    }
    return this.rules === null || this.rules.issues(this.ruleEvent()).length === 0;
  }

  /** Whether a field is present and not `null`. */
  has({ slot }: ScannedField): boolean {
    return this.state.starts[slot]! >= 0;
  }

  /** The bytes that were scanned. */
  get bytes(): Buffer {
    return this.state.bytes;
  }

  /** Start of a present field's text: behind the quote of a string, at the bracket of an array or object. */
  startOf({ slot }: ScannedField): number {
    return this.state.starts[slot]!;
  }

  /** End of a present field's text, exclusive. */
  endOf({ slot }: ScannedField): number {
    return this.state.ends[slot]!;
  }

  /** The value of a present number. */
  numberOf({ slot }: ScannedField): number {
    return this.state.numbers[slot]!;
  }

  /** The 128 bits of UUIDs, of which a present one has four words from {@link wordsAt} on. */
  get words(): Uint32Array {
    return this.state.words;
  }

  wordsAt({ slot }: ScannedField): number {
    return slot * 4;
  }

  /** The value of a field as `JSON.parse` returns it; `undefined` if it is not present. */
  valueOf(field: ScannedField): unknown {
    const start = this.startOf(field);
    if (start === NOT_PRESENT) return undefined;
    if (start === NO_VALUE) return null;
    const text = this.bytes.toString('latin1', start, this.endOf(field));
    return field.kind === 'uuid' || field.kind === 'text' ? text : JSON.parse(text);
  }

  /** The fields that the rules read. */
  private ruleEvent(): never {
    const event: Record<string, unknown> = {};
    for (const [name, field] of this.ruleFields) {
      const value = this.valueOf(field);
      if (value !== undefined) event[name] = value;
    }
    return event as never;
  }
}

function fieldOf(fields: ReadonlyMap<string, ScannedField>, path: string): ScannedField {
  const field = fields.get(path);
  if (field === undefined) throw new TypeError(`the schema has no field ${path}`);
  return field;
}
