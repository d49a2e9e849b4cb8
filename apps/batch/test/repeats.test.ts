import { randomUUID } from 'node:crypto';
import { telemetryFamily, type Telemetry } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { ErasedIds } from '../src/erasure/erased-ids.postgres.js';
import { RowWriter } from '../src/storage/row-writer.postgres.js';
import { SeenIds } from '../src/storage/seen-ids.postgres.js';
import { CopyWriter } from '../src/rows/copy-writer.js';
import { encodeChunk, type EncodedRows } from '../src/rows/encode-chunk.js';
import { tablesByTopic } from '../src/rows/tables.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  silent,
  toRecords,
  type TestDatabase,
  type TestRecord,
} from './_util.js';

const table = tablesByTopic.get(telemetryFamily.topic.name)!;
const CHUNK_RECORDS = 500;

let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function load(points: readonly Telemetry[]): Promise<{ rows: number; transactionIds: number }> {
  // One key and therefore one partition, whose chunks are loaded in order.
  await append(
    broker,
    telemetryFamily.topic.name,
    points.map((value): TestRecord => ({ key: 'k', value })),
  );
  const nextId = () => database.one<string>('SELECT pg_current_xact_id()::text');
  await using loads = await createLoadRunner(broker, database, { chunkRecords: CHUNK_RECORDS });
  await loads.migrate();
  const before = Number(await nextId());
  const { rows } = await loads.load(new AbortController().signal);
  return { rows, transactionIds: Number(await nextId()) - before };
}

describe('repeated records', () => {
  it('use as few transaction ids as new ones, in any order', async () => {
    const first = Array.from({ length: 3_000 }, () => makeTelemetry());
    await load(first);
    const mixed = first.flatMap((point) => [point, makeTelemetry()]);
    const { rows, transactionIds } = await load(mixed);
    expect(rows).toBe(first.length);
    expect(await database.one('SELECT count(*) FROM ride.telemetry')).toBe('6000');
    // One for each chunk, and one for each COPY with a savepoint. The positions of the run use some as well, and so do other
    // test files on the same server. One for each repeated record would be 3,000.
    expect(transactionIds).toBeLessThan(6 * (mixed.length / CHUNK_RECORDS) + 1_000);
  });
});

describe('the window in which a repeat is recognised', () => {
  /** Simulates that everything was loaded a number of days earlier. */
  const age = (days: number) =>
    database.query(`UPDATE ride.telemetry_seen SET seen_on = seen_on - ${days}::integer`);

  async function loadAgain(points: readonly Telemetry[]) {
    await append(broker, telemetryFamily.topic.name, toRecords(points));
    await using runner = await createLoadRunner(broker, database, {
      repeatWindowDays: 31,
      chunkRecords: 100,
    });
    const { rows, duplicates } = await runner.load(new AbortController().signal);
    return { rows, duplicates };
  }

  const keys = () => database.one<number>('SELECT count(*)::integer FROM ride.telemetry_seen');

  it('recognises an id with another event time until the last day of the window', async () => {
    const points = Array.from({ length: 20 }, () => makeTelemetry());
    await loadAgain(points);
    await age(31);
    const moved = points.map((point) => ({ ...point, timestamp: point.timestamp - 3 * DAY_MS }));
    expect(await loadAgain(moved)).toEqual({ rows: 0, duplicates: 20 });
    expect(await keys()).toBe(20);
  });

  it('deletes older keys, and still recognises the same id with the same event time', async () => {
    const points = Array.from({ length: 250 }, () => makeTelemetry());
    await loadAgain(points);
    await age(32);
    const fresh = makeTelemetry();
    expect(await loadAgain([fresh])).toEqual({ rows: 1, duplicates: 0 });
    expect(await keys()).toBe(1);
    const mixed = points.flatMap((point, index) => (index % 2 === 0 ? [point] : [point, makeTelemetry()]));
    expect(await loadAgain([...mixed, fresh])).toEqual({ rows: 125, duplicates: 251 });
    expect(await database.one('SELECT count(*)::integer FROM ride.telemetry')).toBe(376);
    expect(await database.query('SELECT * FROM analysis.repeated_ids')).toEqual([]);
  });

  it('loads an older id with another event time as another event, and lists it', async () => {
    const point = makeTelemetry({ timestamp: Date.now() - 32 * DAY_MS });
    await loadAgain([point]);
    await age(32);
    await loadAgain([]);
    const again = { ...point, timestamp: point.timestamp - DAY_MS };
    expect(await loadAgain([again])).toEqual({ rows: 1, duplicates: 0 });
    // The next day, whose first load finds it.
    await age(1);
    await database.query(
      'UPDATE ride.repeat_checks SET checked_on = checked_on - 2, expired_on = expired_on - 1',
    );
    await loadAgain([]);
    expect(await database.query('SELECT * FROM analysis.repeated_ids')).toEqual([
      {
        table_name: 'telemetry',
        id: point.telemetry_id,
        provider_id: point.provider_id,
        rows: '2',
        first_time: new Date(again.timestamp),
        last_time: new Date(point.timestamp),
      },
    ]);
  });
});

describe(RowWriter, () => {
  let pool: Pool;

  beforeEach(async () => {
    pool = createPool({ url: database.url, size: 2, logger: silent });
    await load([makeTelemetry()]);
  });

  afterEach(async () => {
    await pool.end();
  });

  async function encode(points: readonly object[]): Promise<EncodedRows> {
    const records = points.map((value, index) => ({
      offset: BigInt(index),
      key: null,
      value: Buffer.from(JSON.stringify(value)),
      headers: {},
      timestampMs: Date.now(),
    }));
    const limits = { nowMs: Date.now(), maxAgeDays: 30 };
    return (await encodeChunk(table, records, { writer: new CopyWriter(), ...limits })).rows;
  }

  /** Writes rows in a transaction. Returns the counts and the number of statements. */
  async function write(rows: EncodedRows, position = 0n) {
    const client = await pool.connect();
    try {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      let statements = 0;
      const counted = Object.create(client, {
        query: {
          value: (...args: unknown[]) => {
            statements += 1;
            return query(...args);
          },
        },
      }) as typeof client;
      await client.query('BEGIN');
      const written = await new RowWriter(counted, table, new SeenIds(table), new ErasedIds()).write(
        rows,
        position,
      );
      await client.query('COMMIT');
      return { ...written, statements };
    } finally {
      client.release();
    }
  }

  it('counts rows that exist, and repeats within a chunk', async () => {
    const points = Array.from({ length: 10 }, () => makeTelemetry());
    await write(await encode(points.slice(0, 4)));
    const rows = await encode([...points, points[9]!, points[0]!]);
    expect(await write(rows)).toMatchObject({ rows: 6, duplicates: 6, rejects: [] });
    expect(await write(rows, 11n)).toMatchObject({ rows: 0, duplicates: 1, rejects: [] });
    expect(await write(rows, 12n)).toMatchObject({ rows: 0, duplicates: 0, rejects: [] });
  });

  it('loads the other rows of a chunk if Postgres rejects one, with few statements', async () => {
    await database.query('ALTER TABLE ride.telemetry ADD CONSTRAINT slow CHECK (speed < 100)');
    const fast = { lat: 1, lng: 2, speed: 200 };
    const points = Array.from({ length: 1_000 }, () => makeTelemetry());
    for (const bad of [0, 417, 418, 999]) points[bad] = makeTelemetry({ location: fast });
    const written = await write(await encode(points));
    expect(written).toMatchObject({ rows: 996, duplicates: 0 });
    expect(written.rejects.map(({ record }) => record.offset)).toEqual([0n, 417n, 418n, 999n]);
    expect(written.rejects[0]!.reason).toMatch(/^Postgres: .*"slow"/);
    expect(written.statements).toBeLessThan(60);
    expect(await database.one('SELECT count(*) FROM ride.telemetry_seen')).toBe('997');
  });

  it('rejects a repeat of a record that Postgres rejects, because no row with its id was loaded', async () => {
    await database.query('ALTER TABLE ride.telemetry ADD CONSTRAINT slow CHECK (speed < 100)');
    const point = makeTelemetry({ location: { lat: 1, lng: 2, speed: 200 } });
    const again = { ...point, location: { lat: 1, lng: 2, speed: 50 } };
    const written = await write(await encode([point, again]));
    expect(written).toMatchObject({ rows: 0, duplicates: 0 });
    expect(written.rejects.map(({ record }) => record.offset)).toEqual([0n, 1n]);
    expect(await write(await encode([again]))).toMatchObject({ rows: 1 });
  });

  it('finds the row by bisection if the error has no line number', async () => {
    await database.query(
      `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF NEW.speed > 100 THEN RAISE EXCEPTION 'too fast'; END IF; RETURN NEW; END $$;
       CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ride.telemetry FOR EACH ROW EXECUTE FUNCTION public.refuse()`,
    );
    const points = Array.from({ length: 100 }, () => makeTelemetry());
    points[37] = makeTelemetry({ location: { lat: 1, lng: 2, speed: 200 } });
    const written = await write(await encode(points));
    expect(written).toMatchObject({ rows: 99, rejects: [{ record: { offset: 37n } }] });
  });

  it('counts rows whose keys have expired as duplicates, with few statements', async () => {
    const points = Array.from({ length: 300 }, () => makeTelemetry());
    await write(await encode(points));
    await database.query('DELETE FROM ride.telemetry_seen');
    const rows = await encode([...points, makeTelemetry()]);
    const written = await write(rows);
    expect(written).toMatchObject({ rows: 1, duplicates: 300, rejects: [] });
    expect(written.statements).toBeLessThan(20);
  });

  it('stores each key once if two transactions write the same rows in opposite order', async () => {
    const points = Array.from({ length: 400 }, () => makeTelemetry({ provider_id: randomUUID() }));
    const results = await Promise.all([
      write(await encode(points)),
      write(await encode(points.toReversed())),
    ]);
    expect(results[0]!.rows + results[1]!.rows).toBe(400);
    expect(results[0]!.duplicates + results[1]!.duplicates).toBe(400);
  });
});
