import { startTestBroker } from '@hailstream/log/testing';
import { startVersityGateway, type RunningGateway } from '@hailstream/tools/versitygw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readObjects } from '../_readers.js';
import { appendPoints, MORNING, point, run, s3Job } from '../_util.js';

const POINTS = 20_000;
const DEVICES = 40;
const LATE_HOURS = 30;
const FORMATS = ['ndjson.gz', 'parquet'] as const;

let gateway: RunningGateway;
const folders = new Map<string, string>();

/** Delivers the same points in both formats. */
beforeAll(async () => {
  gateway = await startVersityGateway({ accessKeyId: 'test', secretAccessKey: 'test-secret' });
  await using broker = await startTestBroker();
  const points = Array.from({ length: POINTS }, (_, index) => {
    const deviceId = `0197a1c5-0000-7000-8000-${String(index % DEVICES).padStart(12, '0')}`;
    // Every hundredth point is late.
    const timeMs = MORNING + index * 100 - (index % 100 === 99 ? (index % LATE_HOURS) * 3_600_000 : 0);
    const location = { lat: 43.72 + (index % 997) / 20_000, lng: 7.4 + (index % 883) / 20_000 };
    return {
      deviceId,
      value: Buffer.from(JSON.stringify({ ...point(deviceId, timeMs), location, added: index })),
    };
  });
  await appendPoints(broker, points);
  for (const format of FORMATS) {
    const bucket = `bucket-${format}`;
    folders.set(format, `${await gateway.createBucket(bucket)}/lake`);
    await run(broker, [
      s3Job({ endpoint: gateway.endpoint, bucket }, { name: format.slice(0, 3), sink: { format } }),
    ]);
  }
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** All objects of a format, as a table of DuckDB. */
function objects(format: (typeof FORMATS)[number]): string {
  const read = format === 'parquet' ? 'read_parquet' : 'read_json';
  const options =
    'union_by_name = true, filename = true, hive_partitioning = true, hive_types_autocast = false';
  return `${read}('${folders.get(format)}/**/*.${format}', ${options})`;
}

describe('DuckDB', () => {
  it.each(FORMATS)('reads each record of the log once from %s', async (format) => {
    const counts = 'count(*), count(distinct (_partition, _offset)), count(distinct telemetry_id)';
    expect(await readObjects('query', `select ${counts} from ${objects(format)}`)).toEqual([
      [POINTS, POINTS, POINTS],
    ]);
  });

  it('reads the same events from both formats', async () => {
    const columns = (lat: string, unknown: string) =>
      `telemetry_id, device_id, _partition, _offset, ${lat}, cast(${unknown} as bigint) as added`;
    const [ndjson, parquet] = [
      `select ${columns('location.lat as lat, location.lng as lng', 'added')} from ${objects('ndjson.gz')}`,
      `select ${columns('lat, lng', `json_extract(_unknown, '$.added')`)} from ${objects('parquet')}`,
    ];
    const both = `select count(*) from (${ndjson} intersect ${parquet})`;
    expect(await readObjects('query', both)).toEqual([[POINTS]]);
  });

  it('finds the records that are not late in the folder of their hour', async () => {
    const hour = `strftime(timestamp at time zone 'UTC', '%Y-%m-%d %H')`;
    const misplaced = `count(*) filter (where ${hour} <> concat(date, ' ', hour))`;
    const late = `filename like '%/late/%'`;
    const [[wrong, total]] = (await readObjects(
      'query',
      `select ${misplaced}, count(*) from ${objects('parquet')} where not ${late}`,
    )) as [[number, number]];
    expect(wrong).toBe(0);
    expect(total).toBeGreaterThan(POINTS * 0.98);
  });
});

describe('pyarrow', () => {
  it('reads typed columns, points, H3 cells and GeoParquet metadata', async () => {
    const found = (await readObjects('parquet', folders.get('parquet')!)) as Record<string, unknown>;
    expect(found).toMatchObject({
      rows: POINTS,
      types: {
        timestamp: 'timestamp[ms, tz=UTC]',
        device_id: 'string',
        lat: 'double',
        h3_cell: 'string',
        geometry: 'binary',
        _offset: 'int64',
        _received_at: 'timestamp[ms, tz=UTC]',
      },
      geo: {
        version: '1.1.0',
        primary_column: 'geometry',
        columns: { geometry: { encoding: 'WKB', geometry_types: ['Point'] } },
      },
      compression: ['ZSTD'],
      wrong_cells: 0,
      wrong_points: 0,
    });
  });
});
