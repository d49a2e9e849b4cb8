import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { telemetryFamily } from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { pythonWith } from '@hailstream/tools/python';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../src/database/pool.postgres.js';
import { exportedTables } from '../../src/export/exported-tables.js';
import { exportRows } from '../../src/export/exporter.postgres.js';
import { ParquetRows } from '../../src/export/parquet-rows.js';
import { PartialFile } from '../../src/output/partial-file.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  PROVIDER,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from '../_util.js';

const OTHER_PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000002';
/** More than one row group. */
const POINTS = 30_000;
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const PROGRAM = fileURLToPath(new URL('readers.py', import.meta.url));

/** Every point as the test knows it. */
const points = Array.from({ length: POINTS }, (_, index) =>
  makeTelemetry({
    provider_id: index % 3 === 0 ? OTHER_PROVIDER : PROVIDER,
    timestamp: YESTERDAY - DAY_MS + index * 2_000 + (index % 7),
    location: {
      lat: 43.7 + (index % 997) / 1e5,
      lng: -7.4 - (index % 883) / 1e5,
      ...(index % 2 === 0 && { speed: index % 40 }),
    },
  }),
);

let database: TestDatabase;
let folder: string;
let file: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'readers-'));
  file = join(folder, 'telemetry.parquet');
  await using broker = await startTestBroker();
  await using runner = await createLoadRunner(broker, database);
  await runner.migrate();
  await append(broker, telemetryFamily.topic.name, toRecords(points));
  await runner.load(new AbortController().signal);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database[Symbol.asyncDispose]();
});

async function read(mode: 'duckdb' | 'geopandas', argument: string): Promise<unknown> {
  const python = await pythonWith('export-readers', REQUIREMENTS);
  const { stdout } = await promisify(execFile)(python, [PROGRAM, mode, argument]);
  return JSON.parse(stdout);
}

describe('an exported GeoParquet file', () => {
  beforeAll(async () => {
    const pool = createPool({ url: database.url, size: 1, logger: silent });
    try {
      await using partial = await PartialFile.create(file, { overwrites: false });
      await exportRows(pool, {
        table: exportedTables.get('telemetry')!,
        range: { fromMs: YESTERDAY - DAY_MS, toMs: YESTERDAY + DAY_MS },
        open: (columns) => ParquetRows.open({ columns, write: (bytes) => partial.write(bytes) }),
        onProgress: () => {},
        signal: new AbortController().signal,
      });
      await partial.publish();
    } finally {
      await pool.end();
    }
  });

  it('has each point once for DuckDB, with its time, place and speed', async () => {
    const rows = await read(
      'duckdb',
      `select cast(provider_id as varchar), count(*), count(distinct telemetry_id), sum(epoch_ms("timestamp") - ${YESTERDAY}),
         count(speed), sum(speed), round(sum(lat), 5), round(sum(lng), 5)
       from read_parquet('${file}') group by 1 order by 1`,
    );
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const expected = [PROVIDER, OTHER_PROVIDER].sort().map((provider) => {
      const mine = points.filter(({ provider_id: id }) => id === provider);
      const speeds = mine.flatMap(({ location: { speed } }) => (typeof speed === 'number' ? [speed] : []));
      return [
        provider,
        mine.length,
        mine.length,
        sum(mine.map(({ timestamp }) => timestamp - YESTERDAY)),
        speeds.length,
        sum(speeds),
        expect.closeTo(sum(mine.map(({ location }) => location.lat)), 4),
        expect.closeTo(sum(mine.map(({ location }) => location.lng)), 4),
      ];
    });
    expect(rows).toEqual(expected);
  });

  it('is a table of points for geopandas, in longitude and latitude', async () => {
    const lats = points.map(({ location }) => location.lat);
    const lngs = points.map(({ location }) => location.lng);
    expect(await read('geopandas', file)).toMatchObject({
      rows: POINTS,
      crs: 'OGC:CRS84',
      geometry: ['Point'],
      bounds: [Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)],
      wrong_points: 0,
      timestamp: expect.stringContaining('UTC'),
      newest: new Date(points.at(-1)!.timestamp).toISOString().replace('Z', '000+00:00'),
    });
  });
});
