import type { EventFamily } from '@hailstream/events';
import { eventRegistry } from '@hailstream/events';

/** Describes a body: items made of an example, with mutations. */
export interface Plan {
  readonly family: string;
  readonly base: 'example' | 'nothing';
  readonly items: number;
  readonly mutations: readonly Mutation[];
  readonly end: 'array' | 'cut' | 'object';
}

interface Mutation {
  /** The field to change. */
  readonly place: readonly string[];
  readonly kind: (typeof KINDS)[number];
  readonly size: number;
}

const KINDS = [
  'numbers',
  'exponents',
  'fractions',
  'ids',
  'texts',
  'new-texts',
  'escapes',
  'wide-texts',
  'empty-objects',
  'objects',
  'fields',
  'new-fields',
  'duplicates',
  'order',
  'levels',
  'object-levels',
  'characters',
  'long-name',
  'digits',
  'missing',
  'wrong-types',
] as const;

const PLACES: readonly (readonly string[])[] = [
  [],
  ['extra'],
  ['location'],
  ['location', 'lat'],
  ['trip_ids'],
  ['event_types'],
  ['event_geographies'],
  ['associated_ticket'],
  ['device_id'],
  ['timestamp'],
  ['trip_attributes'],
  ['trip_attributes', 'requested_trip_start_location'],
  ['fare_attributes'],
  ['accessibility_attributes'],
  ['parking_verification_url'],
];

const ENDS = ['array', 'array', 'array', 'array', 'array', 'array', 'cut', 'object'] as const;
const MAX_ITEMS = 1_100;
const MAX_SIZE = 2_097_152;

type Tree = Record<string, unknown>;

/** Text that is inserted unchanged: JSON.stringify cannot nest as deeply, or repeat a name. */
class Raw {
  constructor(readonly text: string) {}
}

/** Creates the body, with as many of the planned items as fit into a number of bytes. */
export function bodyOf(plan: Plan, bodyBytes: number): string {
  const { base, items, mutations, end, family } = plan;
  const { example } = eventRegistry.byName.get(family) as EventFamily;
  const share = Math.floor(bodyBytes / items / Math.max(1, mutations.length));
  const names = nameMaker();
  const texts: string[] = [];
  let sizeBytes = 2;
  while (texts.length < items) {
    let item = base === 'example' ? structuredClone(example as unknown as Tree) : {};
    for (const mutation of mutations) item = mutated(item, mutation, { share, names });
    const text = toJson(item);
    sizeBytes += Buffer.byteLength(text) + 1;
    if (sizeBytes > bodyBytes && texts.length > 0) break;
    texts.push(text);
  }
  if (end === 'object') return `{"items":[${texts.join(',')}]}`;
  const body = `[${texts.join(',')}]`;
  return end === 'array' ? body : body.slice(0, -2);
}

export function anyBody(random: () => number): Plan {
  return {
    family: anyOf(eventRegistry.families, random).name,
    base: random() < 0.7 ? 'example' : 'nothing',
    items: sizeUpTo(MAX_ITEMS, random),
    mutations: Array.from({ length: Math.floor(random() * 4) }, () => anyMutation(random)),
    end: anyOf(ENDS, random),
  };
}

/** Returns a plan that differs in one respect. */
export function changed(plan: Plan, random: () => number): Plan {
  const mutations = [...plan.mutations];
  switch (Math.floor(random() * 7)) {
    case 0:
      return { ...plan, items: sizeUpTo(MAX_ITEMS, random) };
    case 1:
      return { ...plan, family: anyOf(eventRegistry.families, random).name };
    case 2:
      return { ...plan, mutations: [...mutations, anyMutation(random)] };
    case 3:
      mutations.splice(Math.floor(random() * mutations.length), 1);
      return { ...plan, mutations };
    case 4:
      return { ...plan, end: anyOf(ENDS, random), base: random() < 0.5 ? 'example' : 'nothing' };
    default: {
      const place = Math.floor(random() * mutations.length);
      const mutation = mutations[place];
      const size = Math.ceil((mutation?.size ?? 1) * (0.3 + 2 * random()));
      mutations[place] = { ...(mutation ?? anyMutation(random)), size };
      return { ...plan, mutations };
    }
  }
}

/** A generator of numbers from 0 to 1, reproducible by the seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Supplies {
  readonly share: number;
  /** Makes a name that is not yet in the body. */
  readonly names: () => string;
}

function mutated(item: Tree, { place, kind, size }: Mutation, supplies: Supplies): Tree {
  const { share, names } = supplies;
  const [field, ...rest] = place;
  if (field !== undefined && rest.length > 0) {
    const inner = item[field];
    return { ...item, [field]: mutated(isTree(inner) ? inner : {}, { place: rest, kind, size }, supplies) };
  }
  const count = (bytesEach: number): number => Math.max(0, Math.min(size, Math.floor(share / bytesEach)));
  const put = (value: unknown): Tree => (field === undefined ? item : { ...item, [field]: value });
  const many = (text: string): Tree =>
    put(
      new Raw(
        `[${Array<string>(count(text.length + 1))
          .fill(text)
          .join(',')}]`,
      ),
    );
  const fields = (make: (index: number) => [string, unknown], bytesEach: number): Tree => {
    const made = Object.fromEntries(Array.from({ length: count(bytesEach) }, (_, index) => make(index)));
    const inner = field === undefined ? item : item[field];
    const all = { ...(isTree(inner) && inner), ...made };
    return field === undefined ? all : put(all);
  };
  switch (kind) {
    case 'numbers':
      return many('1');
    case 'exponents':
      return many('1e20');
    case 'fractions':
      return many('9007199254740993.0000000000000000000000000000001');
    case 'ids':
      return many('"0195a0c4-7a10-7000-8000-000000000001"');
    case 'texts':
      return many('"trip_start"');
    case 'new-texts':
      return put(Array.from({ length: count(7) }, names));
    case 'escapes':
      return many(String.raw`"A"`);
    case 'wide-texts':
      return many('"é🚕"');
    case 'empty-objects':
      return many('{}');
    case 'objects':
      return many('{"a":{"b":1}}');
    case 'fields':
      return fields((index) => [`f${index.toString(36)}`, 1], 9);
    case 'new-fields':
      return fields(() => [names(), 1], 9);
    case 'duplicates':
      return put(new Raw(`{${Array<string>(count(6)).fill('"a":1').join(',')}}`));
    case 'order': {
      const salt = names();
      const orderOf = (name: string): number =>
        Number.parseInt(`${salt.slice(1)}${name.length}`, 36) % (name.length + 7);
      return Object.fromEntries(
        Object.entries(item).toSorted(([one], [other]) => orderOf(one) - orderOf(other)),
      );
    }
    case 'levels':
      return put(new Raw('['.repeat(count(2)) + ']'.repeat(count(2))));
    case 'object-levels':
      return put(new Raw(`${'{"a":'.repeat(count(6))}1${'}'.repeat(count(6))}`));
    case 'characters':
      return put('x'.repeat(count(1)));
    case 'long-name':
      return { ...item, ['x'.repeat(count(1))]: 1 };
    case 'digits':
      return put(new Raw('1'.repeat(1 + count(1))));
    case 'missing':
      return Object.fromEntries(Object.entries(item).filter(([name]) => name !== field));
    case 'wrong-types':
      return Object.fromEntries(Object.keys(item).map((name) => [name, true]));
  }
}

function toJson(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${toJson(inner)}`);
  return `{${fields.join(',')}}`;
}

function anyMutation(random: () => number): Mutation {
  return { place: anyOf(PLACES, random), kind: anyOf(KINDS, random), size: sizeUpTo(MAX_SIZE, random) };
}

function nameMaker(): () => string {
  let made = 0;
  return () => {
    made += 1;
    return `n${made.toString(36)}`;
  };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Raw);
}

function anyOf<T>(values: readonly T[], random: () => number): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** Returns a size on a logarithmic scale. */
function sizeUpTo(most: number, random: () => number): number {
  return Math.max(1, Math.floor(most ** random()));
}
