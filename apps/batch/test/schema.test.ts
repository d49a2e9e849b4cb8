import { startTestBroker } from '@hailstream/log/testing';
import { telemetryFamily } from '@hailstream/events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import { LogPositions } from '../src/positions/positions.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeTelemetry,
  toRecords,
  type TestDatabase,
} from './_util.js';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => {});
  await migrate(pool);
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

describe('the schema', () => {
  it('has a comment on every schema, table, view and column', async () => {
    const uncommented = await database.query<{ name: string }>(
      `SELECT nspname AS name FROM pg_namespace
       WHERE nspname IN ('ride', 'analysis') AND obj_description(oid, 'pg_namespace') IS NULL
       UNION ALL
       SELECT oid::regclass::text FROM pg_class
       WHERE relnamespace IN ('ride'::regnamespace, 'analysis'::regnamespace) AND relkind IN ('r', 'p', 'v', 'm')
         AND NOT relispartition AND obj_description(oid, 'pg_class') IS NULL
       UNION ALL
       SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace IN ('ride'::regnamespace, 'analysis'::regnamespace) AND relkind IN ('r', 'p', 'v', 'm')
         AND NOT relispartition AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL`,
    );
    expect(uncommented.map(({ name }) => name)).toEqual([]);
  });

  it('names the unit of every column that has one', async () => {
    const units = {
      altitude: 'metres',
      heading: 'degrees',
      speed: 'metres per second',
      horizontal_accuracy: 'metres',
      vertical_accuracy: 'metres',
      battery_percent: 'percent',
      fuel_percent: 'percent',
      duration: 'seconds',
      distance: 'metres',
      standard_cost: 'minor units',
      actual_cost: 'minor units',
      median_wait_seconds: 'seconds',
      median_duration_seconds: 'seconds',
      seconds: 'seconds',
      timestamp_ms: 'milliseconds',
    };
    const columns = await database.query<{ name: keyof typeof units; comment: string }>(
      `SELECT attname AS name, col_description(attrelid, attnum) AS comment
       FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace IN ('ride'::regnamespace, 'analysis'::regnamespace) AND NOT relispartition
         AND relkind IN ('r', 'p', 'v') AND attname = ANY($1)`,
      [Object.keys(units)],
    );
    expect(new Set(columns.map(({ name }) => name))).toEqual(new Set(Object.keys(units)));
    for (const { name, comment } of columns) expect(comment).toContain(units[name]);
  });

  it('has no index whose columns are the first columns of another one', async () => {
    const redundant = await database.query<{ name: string; other: string }>(
      `SELECT one.indexrelid::regclass::text AS name, other.indexrelid::regclass::text AS other
       FROM pg_index AS one
       JOIN pg_class AS one_class ON one_class.oid = one.indexrelid
       JOIN pg_index AS other ON other.indrelid = one.indrelid AND other.indexrelid <> one.indexrelid
       JOIN pg_class AS other_class ON other_class.oid = other.indexrelid AND other_class.relam = one_class.relam
       WHERE one_class.relnamespace IN ('ride'::regnamespace, 'analysis'::regnamespace)
         AND one.indpred IS NOT DISTINCT FROM other.indpred AND one.indexprs IS NULL AND other.indexprs IS NULL
         AND (other.indkey::smallint[])[0:one.indnkeyatts - 1] = (one.indkey::smallint[])[0:one.indnkeyatts - 1]`,
    );
    expect(redundant).toEqual([]);
  });

  it('separates the positions of jobs', async () => {
    await using broker = await startTestBroker();
    await append(broker, telemetryFamily.topic.name, toRecords([makeTelemetry()]));
    const audit = new LogPositions(pool, 'audit');
    const place = { topic: telemetryFamily.topic.name, partition: 0 };
    const identity = { clusterId: 'cluster of the audit', topicId: 'topic of the audit' };
    await audit.begin([{ ...place, nextOffset: 7n, identity }]);
    await using runner = await createLoadRunner(broker, database);
    expect(await runner.load(new AbortController().signal)).toMatchObject({ rows: 1 });
    expect(await audit.readStored([telemetryFamily.topic.name])).toMatchObject([
      { ...place, nextOffset: 7n, identity },
    ]);
    expect(await audit.passGap({ ...place, from: 7n, to: 9n, cause: 'deleted' }, identity)).toBeDefined();
    expect(await database.query('SELECT job, from_offset, to_offset FROM ride.log_gaps')).toEqual([
      { job: 'audit', from_offset: '7', to_offset: '9' },
    ]);
    expect(
      await database.one(
        `SELECT sum(next_offset)::integer FROM ride.log_positions WHERE job = 'load' AND topic = $1`,
        [telemetryFamily.topic.name],
      ),
    ).toBe(1);
  });
});
