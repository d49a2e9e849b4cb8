import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { eventRegistry } from '../event-registry.js';
import { decodeEvent } from '../registry/decode-event.js';
import { defineEventFamily, type EventFamily } from '../registry/event-family.js';
import { Timestamp, Uuid } from '../schema/primitives.js';
import { shiftFamily } from '../testing.js';
import { EventScanner } from './event-scanner.js';

const families = [...eventRegistry.families, shiftFamily].map((family) => [family.name, family] as const);

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
}

/** Numbers of a range, with its bounds, of many decimals and of few. */
function numbers({ type, minimum = -1e18, maximum = 1e18 }: Node): fc.Arbitrary<number> {
  const bounds = fc.constantFrom(minimum, maximum);
  const whole = fc
    .maxSafeInteger()
    .map((value) => Math.min(maximum, Math.max(minimum, value % (maximum + 1))));
  if (type === 'integer') return fc.oneof(bounds, whole.map(Math.trunc));
  const double = fc.double({ min: minimum, max: maximum, noNaN: true });
  return fc.oneof(
    bounds,
    double,
    whole,
    double.map((value) => Math.round(value * 1e6) / 1e6),
  );
}

/** Values of a schema: members in any order, optional ones left out, strings with and without escapes. */
function valuesOf(node: Node): fc.Arbitrary<unknown> {
  if (node.anyOf !== undefined) return fc.oneof(...node.anyOf.map(valuesOf));
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  if (node.const !== undefined) return fc.constant(node.const);
  switch (node.type) {
    case 'object': {
      const entries = Object.entries(node.properties ?? {});
      const fields = Object.fromEntries(entries.map(([name, each]) => [name, valuesOf(each)]));
      const requiredKeys = (node.required ?? []) as string[];
      return fc
        .tuple(
          fc.record(fields, { requiredKeys }),
          fc.shuffledSubarray(Object.keys(fields), { minLength: entries.length }),
          fc.boolean(),
        )
        .map(([value, order, isOrdered]) => {
          const names = isOrdered ? Object.keys(fields) : order;
          return Object.fromEntries(names.filter((name) => name in value).map((name) => [name, value[name]]));
        });
    }
    case 'array':
      return fc.array(valuesOf(node.items!), {
        minLength: node.minItems ?? 0,
        maxLength: Math.min(4, node.maxItems ?? 4),
      });
    case 'string':
      if (node.pattern?.includes('{8}') === true) return fc.uuid();
      if (node.pattern !== undefined) return fc.stringMatching(new RegExp(node.pattern));
      return fc.oneof(
        { weight: 9, arbitrary: fc.string({ maxLength: node.maxLength ?? 10 }) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
      );
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return numbers(node);
  }
}

/** The text of an event with some bytes replaced, removed, inserted or repeated. */
const changes = fc.array(
  fc.record({
    at: fc.nat(),
    length: fc.constantFrom(0, 1, 1, 1, 2, 10),
    text: fc.oneof(
      fc.constantFrom(
        '',
        '"',
        '\\',
        ' ',
        ',',
        '{',
        '}',
        '[',
        ']',
        '0',
        '-',
        '.',
        'e',
        'E9',
        '1e400',
        'null',
        'true',
        'é',
        '\0',
        '1',
        '-0',
        '"":',
        ':null,',
      ),
      fc.string({ maxLength: 3 }),
    ),
  }),
  { minLength: 1, maxLength: 2 },
);

function changed(text: Buffer, edits: readonly { at: number; length: number; text: string }[]): Buffer {
  let result = text;
  for (const { at, length, text: inserted } of edits) {
    const start = at % (result.length + 1);
    result = Buffer.concat([
      result.subarray(0, start),
      Buffer.from(inserted),
      result.subarray(start + length),
    ]);
  }
  return result;
}

/** The fields of an event by path. Objects are not fields if they have fields. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, field]) =>
    leaves(field, path === '' ? name : `${path}.${name}`),
  );
}

/** The fields that the scanner found, each by the way in which it is used. */
function scannedLeaves(scanner: EventScanner): [string, unknown][] {
  return [...scanner.fields].flatMap(([path, field]) => {
    const value = scanner.valueOf(field);
    if (field.kind === 'object' || value === undefined) return [];
    if (field.kind === 'number' && value !== null) return [[path, scanner.numberOf(field)]];
    if (field.kind !== 'uuid' || value === null) return [[path, value]];
    const words = [...scanner.words.subarray(scanner.wordsAt(field), scanner.wordsAt(field) + 4)];
    const hex = words.map((word) => word.toString(16).padStart(8, '0')).join('');
    return [[path, hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')]];
  });
}

/** Requires that the scanner found what the decoder finds, or nothing. Returns whether it found it. */
function expectEqualOrRefused(family: EventFamily, scanner: EventScanner, value: Buffer): boolean {
  // Among other bytes, as in a batch.
  const bytes = Buffer.concat([Buffer.from('{"a":1'), value, Buffer.from('0},"}]')]);
  if (!scanner.scan(bytes, 6, 6 + value.length)) return false;
  const event = decodeEvent(family, value);
  expect(JSON.parse(value.toString())).toEqual(event);
  expect(new Map(scannedLeaves(scanner))).toEqual(new Map(leaves(event)));
  return true;
}

describe(EventScanner, () => {
  it.each(families)('reads the example of %s', (_, family) => {
    const scanner = new EventScanner(family);
    expect(expectEqualOrRefused(family, scanner, Buffer.from(JSON.stringify(family.example)))).toBe(true);
  });

  it.each(families)(
    'finds what the decoder finds in any event of %s, and refuses those that it refuses',
    (_, family) => {
      const scanner = new EventScanner(family);
      let [scanned, valid] = [0, 0];
      fc.assert(
        fc.property(valuesOf(family.schema as Node), (event) => {
          const value = Buffer.from(JSON.stringify(event));
          const wasScanned = expectEqualOrRefused(family, scanner, value);
          scanned += Number(wasScanned);
          const isValid = family.validator.check(event) && family.normalize(event) === event;
          valid += Number(isValid);
          // An event in canonical form is left to the decoder for its text only.
          if (isValid && !wasScanned) expect(value.toString('latin1')).toMatch(/[\\\x7f-\xff]/);
        }),
        { numRuns: 1_000 },
      );
      expect(scanned).toBeGreaterThan(valid / 4);
      expect(valid).toBeGreaterThan(0);
    },
  );

  it.each(families)('finds what the decoder finds in an event of %s with changed bytes', (_, family) => {
    const scanner = new EventScanner(family);
    let scanned = 0;
    fc.assert(
      fc.property(
        fc.oneof(valuesOf(family.schema as Node), fc.constant(family.example)),
        changes,
        (event, edits) => {
          scanned += Number(
            expectEqualOrRefused(family, scanner, changed(Buffer.from(JSON.stringify(event)), edits)),
          );
        },
      ),
      { numRuns: 3_000 },
    );
    expect(scanned).toBeGreaterThan(0);
  });

  it('refuses every cut of an event, and every event with bytes after it', () => {
    const [, family] = families[0]!;
    const scanner = new EventScanner(family);
    const value = Buffer.from(JSON.stringify(family.example));
    for (let end = 0; end < value.length; end += 1) {
      expect(scanner.scan(value, 0, end)).toBe(false);
      expect(scanner.scan(value.subarray(0, end), 0, end)).toBe(false);
    }
    expect(scanner.scan(Buffer.concat([value, Buffer.from(' ')]), 0, value.length + 1)).toBe(false);
    expect(scanner.scan(value, 0, value.length)).toBe(true);
    for (const end of [0, -1]) expect(scanner.scan(Buffer.from('x'), 0, end)).toBe(false);
  });

  it.each(families)(
    'refuses an event of %s with a repeated name, also if it has another one less',
    (_, family) => {
      const scanner = new EventScanner(family);
      const members = Object.entries(family.example).map((member) =>
        JSON.stringify(Object.fromEntries([member])).slice(1, -1),
      );
      const scans = (texts: readonly string[]): boolean => {
        const value = Buffer.from(`{${texts.join(',')}}`);
        return scanner.scan(value, 0, value.length);
      };
      expect(scans(members)).toBe(true);
      for (const repeated of members) {
        expect(scans([...members, repeated])).toBe(false);
        for (const missing of members) {
          if (missing !== repeated)
            expect(scans([repeated, ...members.filter((each) => each !== missing)])).toBe(false);
        }
      }
    },
  );

  it('reads numbers as JSON.parse does', () => {
    const schema = Type.Object(
      { id: Uuid, provider_id: Uuid, at: Timestamp, number: Type.Number() },
      { additionalProperties: false },
    );
    const example = {
      id: '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10',
      provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
      at: 1_750_320_060_000,
      number: 1,
    };
    const family = defineEventFamily({
      name: 'n',
      schemaName: 'N',
      path: '/n',
      summary: '',
      description: '',
      topic: { name: 'n', partitions: 1 },
      fields: { id: 'id', key: 'id', time: 'at' },
      table: null,
      schema,
      example,
    });
    const scanner = new EventScanner(family);
    const textOf = (number: string): Buffer =>
      Buffer.from(JSON.stringify(example).replace(/1}$/, `${number}}`));
    const digits = fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), maxLength: 25 });
    const number = fc.tuple(
      fc.constantFrom('', '-'),
      digits,
      fc.constantFrom('', '.'),
      digits,
      fc.constantFrom('', 'e', 'E+', 'e-'),
      fc.constantFrom('', '1', '22', '308'),
    );
    const texts = fc.oneof(
      number.map((parts) => parts.join('')),
      fc.double().map(String),
      fc.constantFrom(
        '9007199254740993',
        '9007199254740991',
        '0.1',
        '1e23',
        '-0',
        '-0.0',
        '1.',
        '.1',
        '01',
        '1e',
        '--1',
      ),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const value = textOf(text);
        let expected: unknown;
        try {
          expected = (JSON.parse(value.toString()) as { number: unknown }).number;
        } catch {
          expected = undefined;
        }
        const isFinite = Number.isFinite(expected);
        expect(scanner.scan(value, 0, value.length)).toBe(isFinite);
        if (isFinite) expect(scanner.numberOf(scanner.fields.get('number')!)).toBe(expected);
      }),
      { numRuns: 10_000 },
    );
  });

  it('does not accept a schema that it cannot scan', () => {
    const of = (schema: Type.TSchema) => () => new EventScanner({ schema, locations: [], rules: null });
    expect(of(Type.Object({ a: Type.Union([Type.String(), Type.Number()]) }))).toThrow(
      'a union of several types',
    );
    expect(of(Type.Object({ a: Type.Array(Type.Number()) }))).toThrow('the elements cannot be scanned');
    expect(of(Type.Object({ a: Type.Number({ multipleOf: 5 }) }))).toThrow('the schema keyword multipleOf');
  });
});
