import { eventRegistry, type EventFamily } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { parseJsonBody } from '../body/json-body.js';
import { MAX_ITEM_BYTES } from '../body/oversized-items.js';
import type { Failure } from './bulk-response.js';
import { validateItems } from './validate-items.js';

const { families } = eventRegistry;

/** Bodies of the search are smaller than the limit, so that a hundred of them are fast: the work per item is what matters. */
const BODY_BYTES = 262_144;
const MAX_ITEMS = 16;

/** Maximum number of reads of fields, elements and names per item. A valid item needs up to 1,300. */
const MAX_READS_PER_ITEM = 2_000;

/** Maximum number of additional reads: a body that is too small to be scanned before validation may need them. */
const MAX_EXCESS_READS = MAX_ITEM_BYTES;

/** Maximum length of a failure without the returned item. */
const MAX_FAILURE_CHARS = 3_000;

const MAX_ECHO_CHARS = 16_384;
const CANDIDATES = 40;
const CLIMBS = 80;

describe('the work on a body', () => {
  it('is bounded for the worst body that a search finds', { timeout: 60_000 }, () => {
    const random = seeded(20_261);
    let worst = measured(anyBody(random));
    for (let count = 1; count < CANDIDATES; count += 1) worst = worse(worst, measured(anyBody(random)));
    for (let count = 0; count < CLIMBS; count += 1)
      worst = worse(worst, measured(changed(worst.plan, random)));
    expect(worst.excessReads, JSON.stringify(worst.plan)).toBeLessThanOrEqual(MAX_EXCESS_READS);
  });

  it.each([
    ['elements in an array', { place: ['event_geographies'], kind: 'numbers', size: 1e6 }],
    ['unknown fields', { place: [], kind: 'fields', size: 1e6 }],
    ['unknown fields of a location', { place: ['location'], kind: 'fields', size: 1e6 }],
    ['levels', { place: ['extra'], kind: 'levels', size: 1e6 }],
    ['characters', { place: ['associated_ticket'], kind: 'characters', size: 1e6 }],
    ['characters of a field name', { place: [], kind: 'long-name', size: 1e6 }],
  ] as const)('is bounded for an item with many %s, which fails with bad_param', (_, mutation) => {
    const plan: Plan = { family: 'vehicle-events', base: 'example', items: 1, mutations: [mutation] };
    const { excessReads, failures } = measured(plan);
    expect(excessReads).toBeLessThanOrEqual(0);
    expect(failures).toMatchObject([{ index: 0, item: null, error: 'bad_param' }]);
  });
});

/** Describes a body: a number of copies of an example with mutations. */
interface Plan {
  readonly family: string;
  readonly base: 'example' | 'nothing';
  readonly items: number;
  readonly mutations: readonly Mutation[];
}

interface Mutation {
  /** The field to change. */
  readonly place: readonly string[];
  readonly kind: (typeof KINDS)[number];
  readonly size: number;
}

const KINDS = [
  'numbers',
  'ids',
  'texts',
  'fields',
  'levels',
  'characters',
  'long-name',
  'digits',
  'missing',
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

interface Measured {
  readonly plan: Plan;
  /** Reads in addition to {@link MAX_READS_PER_ITEM} for each item. */
  readonly excessReads: number;
  readonly failures: readonly Failure[];
}

function worse(a: Measured, b: Measured): Measured {
  return b.excessReads > a.excessReads ? b : a;
}

/** Counts the reads of a plan's body from parsing to the response, and checks the sizes of the failures. */
function measured(plan: Plan): Measured {
  const family = eventRegistry.byName.get(plan.family)!;
  const text = bodyOf(plan, family);
  const items = parseJsonBody(Buffer.from(text)) as unknown[];
  const counter = { reads: 0 };
  const counted = items.map((item) => countReads(item, counter));
  const { failures } = validateItems(counted, family, {
    receivedAtMs: Date.now(),
    providerId: undefined,
    maxAgeDays: 3_650,
  });
  for (const failure of failures) {
    const { item, ...rest } = failure;
    expect(JSON.stringify(rest).length, JSON.stringify(plan)).toBeLessThanOrEqual(MAX_FAILURE_CHARS);
    expect(JSON.stringify(item).length, JSON.stringify(plan)).toBeLessThanOrEqual(MAX_ECHO_CHARS);
  }
  return { plan, excessReads: counter.reads - MAX_READS_PER_ITEM * items.length, failures };
}

/** Creates the body, with as many of the planned items as fit. */
function bodyOf({ base, items, mutations }: Plan, { example }: EventFamily): string {
  const share = Math.floor(BODY_BYTES / items / Math.max(1, mutations.length));
  let item = base === 'example' ? structuredClone(example as unknown as Tree) : {};
  for (const mutation of mutations) item = mutated(item, mutation, share);
  const text = toJson(item);
  const count = Math.max(1, Math.min(items, Math.floor(BODY_BYTES / text.length)));
  return `[${Array.from({ length: count }, () => text).join(',')}]`;
}

type Tree = Record<string, unknown>;

/** Text that is inserted unchanged: JSON.stringify cannot nest as deeply. */
class Raw {
  constructor(readonly text: string) {}
}

function toJson(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${toJson(inner)}`);
  return `{${fields.join(',')}}`;
}

function mutated(item: Tree, { place, kind, size }: Mutation, share: number): Tree {
  const [field, ...rest] = place;
  if (field !== undefined && rest.length > 0) {
    const inner = item[field];
    const isTree = typeof inner === 'object' && inner !== null && !(inner instanceof Raw);
    return { ...item, [field]: mutated(isTree ? (inner as Tree) : {}, { place: rest, kind, size }, share) };
  }
  const many = (bytesEach: number): number[] =>
    Array.from({ length: Math.max(0, Math.min(size, Math.floor(share / bytesEach))) }, (_, index) => index);
  const put = (value: unknown): Tree => (field === undefined ? item : { ...item, [field]: value });
  switch (kind) {
    case 'numbers':
      return put(many(2).map(() => 1));
    case 'ids':
      return put(many(39).map(() => '0195a0c4-7a10-7000-8000-000000000001'));
    case 'texts':
      return put(many(13).map(() => 'trip_start'));
    case 'fields': {
      const fields = Object.fromEntries(many(9).map((index) => [`f${index.toString(36)}`, 1]));
      if (field === undefined) return { ...item, ...fields };
      const inner = item[field];
      return put({ ...(typeof inner === 'object' && !(inner instanceof Raw) && inner), ...fields });
    }
    case 'levels': {
      const depth = many(2).length;
      return put(new Raw('['.repeat(depth) + ']'.repeat(depth)));
    }
    case 'characters':
      return put('x'.repeat(many(1).length));
    case 'long-name':
      return { ...item, ['x'.repeat(many(1).length)]: 1 };
    case 'digits':
      return put(new Raw('1'.repeat(1 + many(1).length)));
    case 'missing':
      return Object.fromEntries(Object.entries(item).filter(([name]) => name !== field));
  }
}

function anyBody(random: () => number): Plan {
  return {
    family: anyOf(families, random).name,
    base: random() < 0.8 ? 'example' : 'nothing',
    items: sizeUpTo(MAX_ITEMS, random),
    mutations: Array.from({ length: Math.floor(random() * 4) }, () => anyMutation(random)),
  };
}

function anyMutation(random: () => number): Mutation {
  return { place: anyOf(PLACES, random), kind: anyOf(KINDS, random), size: sizeUpTo(BODY_BYTES, random) };
}

function changed(plan: Plan, random: () => number): Plan {
  const mutations = [...plan.mutations];
  switch (Math.floor(random() * 5)) {
    case 0:
      return { ...plan, items: sizeUpTo(MAX_ITEMS, random) };
    case 1:
      return { ...plan, family: anyOf(families, random).name };
    case 2:
      return { ...plan, mutations: [...mutations, anyMutation(random)] };
    case 3:
      mutations.splice(Math.floor(random() * mutations.length), 1);
      return { ...plan, mutations };
    default: {
      const place = Math.floor(random() * mutations.length);
      const mutation = mutations[place];
      const size = Math.ceil((mutation?.size ?? 1) * (0.5 + 2 * random()));
      mutations[place] = { ...(mutation ?? anyMutation(random)), size };
      return { ...plan, mutations };
    }
  }
}

function anyOf<T>(values: readonly T[], random: () => number): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** Returns a size on a logarithmic scale. */
function sizeUpTo(most: number, random: () => number): number {
  return Math.max(1, Math.floor(most ** random()));
}

/** A generator of numbers from 0 to 1, reproducible by the seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Wraps a value to count all reads of fields and elements, and each enumerated name. */
function countReads(value: unknown, counter: { reads: number }): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, name, receiver) {
      counter.reads += 1;
      return countReads(Reflect.get(target, name, receiver), counter);
    },
    has(target, name) {
      counter.reads += 1;
      return Reflect.has(target, name);
    },
    ownKeys(target) {
      const names = Reflect.ownKeys(target);
      counter.reads += names.length;
      return names;
    },
  });
}
