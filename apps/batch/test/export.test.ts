import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { decompress } from 'fzstd';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../src/database/pool.postgres.js';
import { CsvRows } from '../src/export/csv-rows.js';
import { exportRows, type ExportRequest } from '../src/export/exporter.postgres.js';
import { exportedTables } from '../src/export/exported-tables.js';
import { ParquetRows } from '../src/export/parquet-rows.js';
import { PartialFile } from '../src/output/partial-file.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const OTHER_PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000002';
const POINTS = 12_000;
/** The range of most exports: rows before and after it exist. */
const FROM = YESTERDAY - DAY_MS + 7_200_000;
const TO = YESTERDAY + 7_200_000;

let database: TestDatabase;
let folder: string;

/** Points every 10 s on two days, of two providers, some with the same time. */
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  await using broker = await startTestBroker();
  await using runner = await createLoadRunner(broker, database);
  await runner.migrate();
  const points = Array.from({ length: POINTS }, (_, index) =>
    makeTelemetry({
      provider_id: index % 3 === 0 ? OTHER_PROVIDER : PROVIDER,
      timestamp: YESTERDAY - DAY_MS + Math.floor(index / 2) * 20_000 + (index % 7 === 0 ? 123 : 0),
      location: {
        lat: 43.7 + index / 1e6,
        lng: -7.4 - index / 1e7,
        ...(index % 2 === 0 && { speed: index % 40 }),
      },
      ...(index % 5 === 0 && {
        trip_ids: ['0197a1c5-0000-7000-8000-000000000001'],
        tipped_over: index % 10 === 0,
      }),
    }),
  );
  const trips = Array.from({ length: 40 }, (_, index) => {
    const end = YESTERDAY - DAY_MS + index * 4_000_000;
    return makeTrip({
      start_time: end - 600_000,
      end_time: end,
      actual_cost: 2 ** 52 + index,
      currency: 'EUR',
      trip_attributes: {
        app_name: 'a "quoted", text\nof two lines',
        hail_type: 'app',
        passenger_count: 1,
        requested_time: end - 700_000,
        quoted_trip_start_time: end - 600_000,
      },
    });
  });
  await append(broker, telemetryFamily.topic.name, toRecords(points));
  await append(
    broker,
    tripFamily.topic.name,
    trips.map((value) => ({ key: value.trip_id, value })),
  );
  const request = makeRiderEvent();
  await append(broker, riderEventFamily.topic.name, [{ key: request.trip_id, value: request }]);
  const event = makeVehicleEvent();
  await append(broker, vehicleEventFamily.topic.name, [{ key: event.device_id, value: event }]);
  await runner.load(new AbortController().signal);
  // Texts that CSV must quote, and one that is not NULL but empty.
  await database.query(
    `UPDATE ride.telemetry SET location_type = CASE WHEN satellites IS NULL AND tipped_over THEN '' ELSE E'a "b",\r\n é' END
     WHERE tipped_over IS NOT NULL`,
  );
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database[Symbol.asyncDispose]();
});

let files = 0;

interface TestExport {
  readonly table?: string;
  readonly format?: 'parquet' | 'csv';
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly providerId?: string;
  readonly onProgress?: ExportRequest['onProgress'];
  readonly signal?: AbortSignal;
  readonly overwrites?: boolean;
  readonly path?: string;
}

async function exportTable(options: TestExport = {}): Promise<{ path: string; rows: number }> {
  const { table = 'telemetry', format = 'parquet', fromMs = FROM, toMs = TO, providerId } = options;
  const { path = join(folder, `${(files += 1)}.${format}`), overwrites = false } = options;
  const pool = createPool({ url: database.url, size: 1, logger: silent });
  try {
    await using file = await PartialFile.create(path, { overwrites });
    const write = (bytes: Uint8Array) => file.write(bytes);
    const rows = await exportRows(pool, {
      table: exportedTables.get(table)!,
      range: { fromMs, toMs },
      ...(providerId !== undefined && { providerId }),
      open: (columns) => (format === 'csv' ? CsvRows : ParquetRows).open({ columns, write }),
      onProgress: options.onProgress ?? (() => {}),
      signal: options.signal ?? new AbortController().signal,
    });
    await file.publish();
    return { path, rows };
  } finally {
    await pool.end();
  }
}

async function parquetOf(path: string): Promise<{ rows: Record<string, unknown>[]; bytes: ArrayBuffer }> {
  const { buffer, byteOffset, length } = await readFile(path);
  const bytes = buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer;
  const compressors = {
    ZSTD: (input: Uint8Array, size: number) => decompress(input, new Uint8Array(size)),
  };
  return {
    bytes,
    rows: await parquetReadObjects({ file: bytes, compressors, utf8: false, geoparquet: false }),
  };
}

/** The rows of the range as Postgres shows them in JSON. */
async function expectedRows(table: string, time: string, id: string): Promise<Record<string, unknown>[]> {
  const rows = await database.query<{ row: Record<string, unknown> }>(
    `SELECT to_jsonb(t) AS row FROM ride.${table} AS t WHERE ${time} >= $1 AND ${time} < $2
     ORDER BY ${time}, ${id}`,
    [new Date(FROM), new Date(TO)],
  );
  return rows.map(({ row }) => row);
}

/** A value of an export in the form that Postgres gives it in JSON. */
function asInJson(name: string, value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (name === 'h3_cell') return Number(BigInt(`0x${value as string}`));
  return typeof value === 'bigint' ? Number(value) : value;
}

function expectSameRows(
  rows: readonly Record<string, unknown>[],
  expected: readonly Record<string, unknown>[],
): void {
  expect(rows).toHaveLength(expected.length);
  for (const [index, row] of expected.entries()) {
    const found = rows[index]!;
    for (const [name, value] of Object.entries(row)) {
      const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
      expect(asInJson(name, found[name]), `${name} of row ${index}`).toEqual(
        isTime ? Date.parse(value) : value,
      );
    }
  }
}

describe('export as Parquet', () => {
  it('has the rows of the range with the values of the table, in the order of their times', async () => {
    const expected = await expectedRows('telemetry', '"timestamp"', 'telemetry_id');
    expect(expected.length).toBe(8_640);
    const { path, rows } = await exportTable();
    expect(rows).toBe(expected.length);
    expectSameRows((await parquetOf(path)).rows, expected);
  });

  it('has points in WKB that GeoParquet metadata describes', async () => {
    const { rows, bytes } = await parquetOf((await exportTable()).path);
    const { key_value_metadata: metadata } = parquetMetadata(bytes);
    expect(JSON.parse(metadata![0]!.value!)).toMatchObject({
      primary_column: 'geometry',
      columns: { geometry: { encoding: 'WKB', geometry_types: ['Point'] } },
    });
    for (const { lat, lng, geometry } of rows) {
      const view = Buffer.from(geometry as Uint8Array);
      expect([view.readUInt8(0), view.readUInt32LE(1)]).toEqual([1, 1]);
      expect([view.readDoubleLE(5), view.readDoubleLE(13)]).toEqual([lng, lat]);
    }
  });

  it('has both ends of trips as points, and costs above 2^32', async () => {
    const expected = await expectedRows('trips', 'end_time', 'trip_id');
    const { rows, bytes } = await parquetOf((await exportTable({ table: 'trips' })).path);
    expectSameRows(rows, expected);
    expect(rows[0]).toMatchObject({
      start_lat: 43.7384,
      start_lng: 7.4246,
      end_lat: 43.7311,
      end_lng: 7.4197,
    });
    const geo = JSON.parse(parquetMetadata(bytes).key_value_metadata![0]!.value!) as { columns: object };
    expect(Object.keys(geo.columns)).toEqual(['start_geometry', 'end_geometry']);
  });

  it.each(['vehicle_events', 'rider_events'])('exports %s', async (table) => {
    const { path, rows } = await exportTable({ table });
    expect(rows).toBe(1);
    expectSameRows((await parquetOf(path)).rows, await expectedRows(table, '"timestamp"', 'event_id'));
  });

  it('is a valid file if there are no rows', async () => {
    const { path, rows } = await exportTable({ fromMs: FROM - 100 * DAY_MS, toMs: FROM - 90 * DAY_MS });
    expect(rows).toBe(0);
    const read = await parquetOf(path);
    expect(read.rows).toEqual([]);
    expect(parquetMetadata(read.bytes).schema.map(({ name }) => name)).toContain('geometry');
  });

  it('has only the rows of a provider', async () => {
    const { path, rows } = await exportTable({ providerId: OTHER_PROVIDER });
    const found = (await parquetOf(path)).rows.map(({ provider_id: provider }) => provider);
    expect(new Set(found)).toEqual(new Set([OTHER_PROVIDER]));
    expect(BigInt(rows)).toBe(
      BigInt(
        await database.one<string>(
          'SELECT count(*) FROM ride.telemetry WHERE provider_id = $1 AND "timestamp" >= $2 AND "timestamp" < $3',
          [OTHER_PROVIDER, new Date(FROM), new Date(TO)],
        ),
      ),
    );
  });

  it('gives the same bytes again', async () => {
    const [one, other] = [await exportTable(), await exportTable()];
    expect((await readFile(one.path)).equals(await readFile(other.path))).toBe(true);
  });
});

describe('export as CSV', () => {
  it('is read by Postgres as the same rows', async () => {
    const { path, rows } = await exportTable({ format: 'csv' });
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('CREATE TEMP TABLE read (LIKE ride.telemetry)');
      await client.query(
        'ALTER TABLE read ALTER COLUMN h3_cell TYPE text, ALTER COLUMN trip_ids TYPE jsonb USING NULL',
      );
      const stream = client.query(copyFrom('COPY read FROM STDIN (FORMAT csv, HEADER match)'));
      await pipeline(Readable.from([await readFile(path)]), stream);
      const { rows: counts } = await client.query<Record<string, string>>(
        `WITH expected AS (
           SELECT * FROM ride.telemetry WHERE "timestamp" >= $1 AND "timestamp" < $2
         ), given AS (
           SELECT to_jsonb(e) - 'h3_cell' || jsonb_build_object('h3_cell', to_hex(h3_cell)) AS row FROM expected AS e
         )
         SELECT (SELECT count(*) FROM read) AS read, (SELECT count(*) FROM given) AS given,
           (SELECT count(*) FROM (SELECT to_jsonb(read) AS row FROM read EXCEPT ALL SELECT row FROM given) AS more) AS extra,
           (SELECT count(*) FROM read WHERE location_type = '') AS empty`,
        [new Date(FROM), new Date(TO)],
      );
      expect(counts[0]).toMatchObject({ read: String(rows), given: String(rows), extra: '0' });
      expect(Number(counts[0]!['empty'])).toBeGreaterThan(0);
    } finally {
      await client.end();
    }
  });
});

describe('exportRows', () => {
  it('reports progress up to the end', async () => {
    const shares: number[] = [];
    const { rows } = await exportTable({
      onProgress: (progress) => shares.push(progress.share, progress.rows),
    });
    expect(shares.at(-2)).toBe(1);
    expect(shares.at(-1)).toBe(rows);
    expect(shares.length).toBeGreaterThan(4);
  });

  it('leaves no file if it is stopped', async () => {
    const stop = new AbortController();
    const before = await readdir(folder);
    const stopped = exportTable({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toThrow('aborted');
    expect(await readdir(folder)).toEqual(before);
  });

  it('names the table if it does not exist', async () => {
    const table = { name: 'journeys', timeColumn: 'end_time', idColumn: 'trip_id' };
    const pool = createPool({ url: database.url, size: 1, logger: silent });
    const request = {
      table,
      range: { fromMs: FROM, toMs: TO },
      open: () => Promise.reject(new Error('not opened')),
      onProgress: () => {},
      signal: new AbortController().signal,
    };
    await expect(exportRows(pool, request)).rejects.toThrow(
      'the table ride.journeys does not exist in this database',
    );
    await pool.end();
  });
});

describe(PartialFile, () => {
  it('replaces an existing file only if it is told to', async () => {
    const path = join(folder, 'existing.csv');
    await writeFile(path, 'kept');
    await expect(exportTable({ path, format: 'csv' })).rejects.toThrow(
      `--out: ${path} exists: choose another name, or add --force to replace it`,
    );
    expect(await readFile(path, 'utf8')).toBe('kept');
    await exportTable({ path, format: 'csv', overwrites: true });
    expect(await readFile(path, 'utf8')).toMatch(/^telemetry_id,/);
  });

  it('says that the folder is missing', async () => {
    const path = join(folder, 'missing', 'a.csv');
    await expect(exportTable({ path })).rejects.toThrow(/--out: cannot create .*missing.*ENOENT/);
  });
});
