import { eventRegistry } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { anyBody, bodyOf, changed, seeded, type Plan } from '../../test/_bad-bodies.js';
import { MAX_BODY_SHAPES, MAX_BODY_VALUES, MAX_ITEM_BYTES } from '../body/body-scan.js';
import { parseJsonBody } from '../body/json-body.js';
import { OversizedItem, RefusedBody } from '../body/unparsed.js';
import type { Failure } from './bulk-response.js';
import { validateItems } from './validate-items.js';

/** Bodies of the search are smaller than the limit, so that many of them are fast: the work per item is what matters. */
const BODY_BYTES = 262_144;

/** The default of INGEST_HTTP_BODY_LIMIT_BYTES. */
const LIMIT_BYTES = 2_097_152;

/** Maximum number of reads of fields, elements and names per item. A valid item needs up to 1,300. */
const MAX_READS_PER_ITEM = 2_000;

/** Maximum number of additional reads: a body that is too small to be scanned before validation may need them. */
const MAX_EXCESS_READS = MAX_ITEM_BYTES;

/** Maximum length of a failure without the returned item, of a returned item, and of all returned items. */
const MAX_FAILURE_CHARS = 3_000;
const MAX_ECHO_CHARS = 16_384;
const MAX_ECHO_TOTAL_CHARS = 1_100_000;

/** Processor time is not asserted to the millisecond, because it depends on the machine: see docs/operate.md for measurements. */
const GENEROUS_CPU_MS = 500;

const CANDIDATES = 40;
const CLIMBS = 80;
const CANDIDATES_AT_LIMIT = 15;
const CLIMBS_AT_LIMIT = 25;

describe('the work on a body', () => {
  it('is bounded for the worst body that a search finds', { timeout: 60_000 }, () => {
    const random = seeded(20_261);
    let worst = readsOf(anyBody(random));
    for (let count = 1; count < CANDIDATES; count += 1) worst = worse(worst, readsOf(anyBody(random)));
    for (let count = 0; count < CLIMBS; count += 1)
      worst = worse(worst, readsOf(changed(worst.plan, random)));
    expect(worst.amount, JSON.stringify(worst.plan)).toBeLessThanOrEqual(MAX_EXCESS_READS);
  });

  it('of parsing and responding is bounded at the size limit', { timeout: 60_000 }, async ({ annotate }) => {
    const random = seeded(20_262);
    const measure = (plan: Plan): Weighed => ({ plan, amount: cpuMsAtLimit(plan) });
    let worst = measure(anyBody(random));
    for (let count = 1; count < CANDIDATES_AT_LIMIT; count += 1)
      worst = worse(worst, measure(anyBody(random)));
    for (let count = 0; count < CLIMBS_AT_LIMIT; count += 1)
      worst = worse(worst, measure(changed(worst.plan, random)));
    await annotate(`${worst.amount.toFixed(1)} ms of processor time for ${JSON.stringify(worst.plan)}`);
    expect(worst.amount, JSON.stringify(worst.plan)).toBeLessThan(GENEROUS_CPU_MS);
  });

  it.each([
    ['elements in an array', { place: ['event_geographies'], kind: 'numbers', size: 1e6 }],
    ['unknown fields', { place: [], kind: 'fields', size: 1e6 }],
    ['unknown fields of a location', { place: ['location'], kind: 'fields', size: 1e6 }],
    ['levels', { place: ['extra'], kind: 'levels', size: 1e6 }],
    ['objects in each other', { place: ['extra'], kind: 'object-levels', size: 1e6 }],
    ['characters', { place: ['associated_ticket'], kind: 'characters', size: 1e6 }],
    ['digits', { place: ['timestamp'], kind: 'digits', size: 1e6 }],
    ['fields of the same name', { place: ['extra'], kind: 'duplicates', size: 1e6 }],
    ['characters of a field name', { place: [], kind: 'long-name', size: 1e6 }],
  ] as const)('is bounded for an item with many %s, which fails with bad_param', (_, mutation) => {
    const plan: Plan = { ...one, mutations: [mutation] };
    const { amount, failures } = readsOf(plan);
    expect(amount).toBeLessThanOrEqual(0);
    expect(failures).toMatchObject([{ index: 0, item: null, error: 'bad_param' }]);
  });

  it.each([
    ['many names', { ...one, items: 1_000, mutations: [{ place: [], kind: 'new-fields', size: 60 }] }],
    [
      'many values',
      { ...one, items: 800, mutations: [{ place: ['extra'], kind: 'empty-objects', size: 1e6 }] },
    ],
    ['an object', { ...one, end: 'object', mutations: [{ place: [], kind: 'new-fields', size: 1e6 }] }],
  ] satisfies [string, Plan][])('is only that of a scan for a body with %s', (_, plan) => {
    expect(parseJsonBody(Buffer.from(bodyOf(plan, LIMIT_BYTES)))).toBeInstanceOf(RefusedBody);
  });
});

const one: Plan = { family: 'vehicle-events', base: 'example', items: 1, mutations: [], end: 'array' };

/** A plan with an amount of work that its body needs. */
interface Weighed {
  readonly plan: Plan;
  readonly amount: number;
}

function worse<W extends Weighed>(a: W, b: W): W {
  return b.amount > a.amount ? b : a;
}

const rules = { providerId: undefined, maxAgeDays: 3_650 };

/** Counts the reads of a body from parsing to the response, and checks the sizes of the failures. */
function readsOf(plan: Plan): Weighed & { readonly failures: readonly Failure[] } {
  const body = parsed(plan, BODY_BYTES);
  if (!Array.isArray(body)) return { plan, amount: 0, failures: [] };
  const counter = { reads: 0 };
  const counted = body.map((item) => (item instanceof OversizedItem ? item : countReads(item, counter)));
  const family = eventRegistry.byName.get(plan.family)!;
  const { failures } = validateItems(counted, family, { ...rules, receivedAtMs: Date.now() });
  for (const failure of failures) {
    const { item, ...rest } = failure;
    expect(JSON.stringify(rest).length, JSON.stringify(plan)).toBeLessThanOrEqual(MAX_FAILURE_CHARS);
    expect(JSON.stringify(item).length, JSON.stringify(plan)).toBeLessThanOrEqual(MAX_ECHO_CHARS);
  }
  return { plan, amount: counter.reads - MAX_READS_PER_ITEM * body.length, failures };
}

/** The processor time of a body from its bytes to those of its response, and checks what was parsed of it. */
function cpuMsAtLimit(plan: Plan): number {
  const bytes = Buffer.from(bodyOf(plan, LIMIT_BYTES));
  const family = eventRegistry.byName.get(plan.family)!;
  const before = process.cpuUsage();
  const body = parsedBytes(bytes);
  if (!Array.isArray(body)) return since(before);
  const { failures } = validateItems(body, family, { ...rules, receivedAtMs: Date.now() });
  const text = JSON.stringify({ failures });
  const cpuMs = since(before);
  const { values, shapes } = contents(body);
  expect(values, JSON.stringify(plan)).toBeLessThanOrEqual(MAX_BODY_VALUES);
  expect(shapes, JSON.stringify(plan)).toBeLessThanOrEqual(Math.max(MAX_BODY_SHAPES, MAX_ITEM_BYTES / 4));
  const echoed = failures.map(({ item }) => item);
  expect(JSON.stringify(echoed).length, JSON.stringify(plan)).toBeLessThanOrEqual(MAX_ECHO_TOTAL_CHARS);
  expect(text.length).toBeLessThanOrEqual(MAX_ECHO_TOTAL_CHARS + MAX_FAILURE_CHARS * failures.length);
  return cpuMs;
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function parsed(plan: Plan, bodyBytes: number): unknown {
  return parsedBytes(Buffer.from(bodyOf(plan, bodyBytes)));
}

/** What the service parses of a body; `null` if it rejects the body. */
function parsedBytes(bytes: Buffer): unknown {
  try {
    return parseJsonBody(bytes);
  } catch {
    return null;
  }
}

/** The number of values in a body, and of different beginnings of field lists. */
function contents(body: readonly unknown[]): { readonly values: number; readonly shapes: number } {
  const shapes = new Set<string>();
  let values = 0;
  const rest: unknown[] = [...body];
  while (rest.length > 0) {
    const value = rest.pop();
    values += 1;
    if (typeof value !== 'object' || value === null || value instanceof OversizedItem) continue;
    let shape = '';
    for (const [name, inner] of Object.entries(value)) {
      rest.push(inner);
      if (!Array.isArray(value)) shapes.add((shape += `${JSON.stringify(name)},`));
    }
  }
  return { values, shapes: shapes.size };
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
