import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { createPartition, missingDays } from '../src/storage/partitions.postgres.js';
import { insertDeadLetters } from '../src/rejects/dead-letters.postgres.js';
import { ErasedIds } from '../src/erasure/erased-ids.postgres.js';
import { RowWriter } from '../src/storage/row-writer.postgres.js';
import { SeenIds } from '../src/storage/seen-ids.postgres.js';
import { CopyWriter } from '../src/rows/copy-writer.js';
import { encodeChunk } from '../src/rows/encode-chunk.js';
import { tablesByTopic, type Table } from '../src/rows/tables.js';
import {
  createTestDatabase,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  silent,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, size: 2, logger: silent });
  await migrate(pool);
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** Every field of a family, so that each of them gets random values. */
const examples: Readonly<Record<string, () => object>> = {
  telemetry: () => ({
    ...makeTelemetry(),
    trip_ids: [randomUUID()],
    stop_id: randomUUID(),
    location_type: 'street',
    battery_percent: 5,
    tipped_over: true,
  }),
  vehicle_events: () => ({
    ...makeVehicleEvent(),
    publication_time: YESTERDAY,
    event_geographies: [randomUUID()],
    fuel_percent: 5,
    associated_ticket: 'ticket',
  }),
  rider_events: () => makeRiderEvent({ rating: 3 }),
  trips: () => ({
    ...makeTrip(),
    trip_attributes: {
      hail_type: 'app',
      passenger_count: 1,
      requested_time: YESTERDAY,
      quoted_trip_start_time: YESTERDAY,
      app_name: 'app',
    },
    fare_attributes: { payment_type: 'cash', fare_type: 'meter_fare', tip: 1 },
    parking_verification_url: 'https://example.com',
    standard_cost: 1,
    actual_cost: 2,
    currency: 'EUR',
  }),
};

const hostile = fc.oneof(
  fc.constantFrom<unknown>('\0', 'a\0b', '\ud800', 'x\udfff', '', ' ', '💥', 'é'.repeat(255), '\\u0000'),
  fc.constantFrom<unknown>(
    -1,
    -0,
    0.1,
    1e308,
    -1e308,
    2 ** 31,
    2 ** 53,
    2 ** 63,
    32_768,
    5e-324,
    90,
    180,
    360,
  ),
  fc.constantFrom<unknown>(1_514_764_800_000, 253_402_300_799_999, -62_135_596_800_000, Date.now() + 1e9, 0),
  fc.constantFrom<unknown>(
    null,
    true,
    [],
    {},
    [null],
    [['a']],
    { lat: 1 },
    { __proto__: null, constructor: 1 },
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.double(),
  fc.uuid(),
  fc.jsonValue({ maxDepth: 3 }),
);

const change = fc.record({ at: fc.nat(), inner: fc.option(fc.nat()), value: hostile });

/** The value of a record: an event with some changed fields, or random bytes. */
function valueOf(table: Table): fc.Arbitrary<Buffer> {
  const changed = fc.array(change, { maxLength: 2 }).map((changes) => {
    const event = examples[table.name]!() as Record<string, unknown>;
    const names = Object.keys(event);
    for (const { at, inner, value } of changes) {
      const name = names[at % names.length]!;
      const field = event[name];
      if (inner === null || typeof field !== 'object' || field === null) event[name] = value;
      else {
        const innerNames = Object.keys(field);
        event[name] = { ...field, [innerNames[inner % innerNames.length] ?? 'lat']: value };
      }
    }
    return Buffer.from(JSON.stringify(event));
  });
  return fc.oneof(
    { weight: 8, arbitrary: changed },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
  );
}

/** Loads values in one transaction, as for a chunk, and rolls it back. */
async function loadValues(table: Table, values: readonly Buffer[], timestampMs: number) {
  const records = values.map((value, index) => ({
    offset: BigInt(index),
    key: null,
    value,
    headers: {},
    timestampMs,
  }));
  const limits = { nowMs: Date.now(), maxAgeDays: 5_000 };
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const encoded = await encodeChunk(table, records, { writer: new CopyWriter(), ...limits });
    for (const day of await missingDays(client, table.name, encoded.days)) {
      await createPartition(client, table.name, { day, nowMs: limits.nowMs });
    }
    const written = await new RowWriter(client, table, new SeenIds(table), new ErasedIds()).write(
      encoded.rows,
      0n,
    );
    const rejects = [...encoded.rejects, ...written.rejects];
    await insertDeadLetters(
      client,
      rejects.map(({ record, reason }) => ({
        ...record,
        id: String(record.offset),
        topic: table.family.topic.name,
        partition: 0,
        lastOffset: undefined,
        consumerGroup: 'g',
        attempts: 1,
        reason,
        rejectedAtMs: Date.now(),
      })),
    );
    const { rows } = await client.query<{ rows: number; rejects: number }>(
      `SELECT (SELECT count(*)::integer FROM ride.${table.name}) AS rows,
         (SELECT count(*)::integer FROM ride.rejects WHERE reason <> '') AS rejects`,
    );
    return { written, rejects, stored: rows[0]! };
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

describe('any record', () => {
  it.each([...tablesByTopic.values()].map((table) => [table.name, table] as const))(
    'becomes a row, a duplicate or a reject: %s',
    async (_, table) => {
      const values = fc.array(valueOf(table), { minLength: 50, maxLength: 100 });
      const timestamp = fc.constantFrom(Date.now(), -1, 0, Date.now() * 1_000, Number.MIN_SAFE_INTEGER);
      let rows = 0;
      await fc.assert(
        fc.asyncProperty(values, timestamp, async (given, timestampMs) => {
          // Every event again: it must be a duplicate, or rejected like the first.
          const all = [...given, ...given];
          const { written, rejects, stored } = await loadValues(table, all, timestampMs);
          expect(written.rows + written.duplicates + rejects.length).toBe(all.length);
          rows += written.rows;
          expect(written.duplicates).toBeGreaterThanOrEqual(written.rows);
          expect(stored).toEqual({ rows: written.rows, rejects: rejects.length });
          // A value that only Postgres rejects would require a second COPY of the chunk.
          expect(written.rejects).toEqual([]);
        }),
        { numRuns: 12 },
      );
      expect(rows).toBeGreaterThan(0);
    },
    120_000,
  );
});
