import { eventRegistry, type EventFamily } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyWriter } from './copy-writer.js';
import { encodeChunk } from './encode-chunk.js';
import { createTables, tablesByTopic, type Table } from './tables.js';

const nowMs = Date.UTC(2026, 10, 22, 12);
const tables = [...tablesByTopic.values()].map((table) => [table.name, table] as const);
/** The same tables, which decode every event. */
const decoding = (table: Table): Table => ({ ...table, scanned: null });

const uuid = fc.nat(3).map((last) => `00000000-0000-7000-8000-00000000000${last}`);
const values = fc.oneof(
  uuid,
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    '',
    'street',
    'app',
    -1,
    0,
    -0,
    1,
    5,
    90.5,
    1e22,
    0.1 + 0.2,
    [],
    {},
    'é',
    '\0',
    '"',
  ),
  fc.constantFrom<unknown>(nowMs, nowMs - 1, nowMs + 7 * 86_400_000, 1_514_764_800_000, 40_000),
  fc.array(uuid, { maxLength: 3 }),
  fc.double({ min: -200, max: 400, noNaN: true }),
);

/** Events of a family with some fields changed, added, in another order or removed; some with changed bytes. */
function recordValues({ family }: Table): fc.Arbitrary<Buffer | null> {
  const names = Object.keys((family.schema as { properties?: object }).properties ?? {});
  const locationNames = ['lat', 'lng', 'heading', 'speed', 'altitude', 'satellites'];
  const change = fc.record({
    name: fc.constantFrom(...names),
    value: values,
    inner: fc.option(fc.constantFrom(...locationNames)),
  });
  const event = fc
    .record({ changes: fc.array(change, { maxLength: 3 }), id: uuid, reverses: fc.boolean() })
    .map(({ changes, id, reverses }) => {
      const changed: Record<string, unknown> = {
        ...family.example,
        [family.fields.time]: nowMs,
        [family.fields.id]: id,
      };
      for (const { name, value, inner } of changes) {
        const field = changed[name];
        const isObject = typeof field === 'object' && field !== null && !Array.isArray(field);
        changed[name] = inner !== null && isObject ? { ...field, [inner]: value } : value;
      }
      const entries = Object.entries(changed);
      return Buffer.from(JSON.stringify(Object.fromEntries(reverses ? entries.toReversed() : entries)));
    });
  const edited = fc.tuple(event, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  return fc.oneof({ weight: 6, arbitrary: event }, { weight: 2, arbitrary: edited }, fc.constant(null));
}

const record = (value: Buffer | null, index: number): LogRecord => ({
  offset: BigInt(index),
  key: index % 2 === 0 ? null : Buffer.from('key'),
  value,
  headers: {},
  timestampMs: nowMs + index,
});

/** Everything that is used of a chunk. */
async function encoded(table: Table, given: readonly (Buffer | null)[]) {
  const isExpired = (providerId: string, timeMs: number): boolean =>
    timeMs === nowMs - 1 && providerId.length === 36;
  const limits = { nowMs, maxAgeDays: 3_000, isExpired };
  const { rows, days, rejects, expired, records } = await encodeChunk(table, given.map(record), {
    writer: new CopyWriter(),
    ...limits,
  });
  const all = Array.from({ length: rows.count }, (_, row) => row);
  return {
    rows: all.map((row) => ({
      tuple: Buffer.from(rows.tuples([row])).toString('hex'),
      key: rows.keys.at(row),
      offset: rows.recordOf(row).offset,
      people: table.personal.map((_, field) =>
        rows.people.textAt(rows.personal[row * table.personal.length + field]!),
      ),
      ...(table.subject && {
        device: rows.devices[row]! < 0 ? null : rows.people.textAt(rows.devices[row]!),
        trips: rows.trips.get(row),
      }),
    })),
    repeats: rows.repeatsFrom(0n),
    days: [...days],
    rejects: rejects.map(({ record: { offset, value }, reason }) => ({ offset, value, reason })),
    expired,
    count: records.countFrom(0n),
  };
}

describe('rows of scanned events', () => {
  it.each(tables)('are those of decoded events: %s', async (_, table) => {
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(recordValues(table), { minLength: 1, maxLength: 12 }), async (given) => {
        const scanned = await encoded(table, given);
        expect(scanned).toEqual(await encoded(decoding(table), given));
        rows += scanned.rows.length;
      }),
      { numRuns: 150 },
    );
    expect(rows).toBeGreaterThan(100);
  });

  it.each(tables)('are written for the example of each family without decoding it: %s', async (_, table) => {
    const example = { ...table.family.example, [table.family.fields.time]: nowMs };
    const refused: EventFamily = { ...table.family, normalize: () => expect.fail('the event was decoded') };
    const { rows, rejects } = await encoded({ ...table, family: refused }, [
      Buffer.from(JSON.stringify(example)),
    ]);
    expect(rejects).toEqual([]);
    expect(rows).toHaveLength(1);
  });

  it('require a field for each column', () => {
    const column = tablesByTopic.get('ride.telemetry')!.columns.find(({ name }) => name === 'stop_id')!;
    const families = eventRegistry.families.filter(({ name }) => name === 'rider-events');
    const create = () => createTables({ ...eventRegistry, families }, { 'rider-events': [column] });
    expect(create).toThrow('the field stop_id is not in the schema, expected uuid');
  });
});
