import { riderEventFamily, telemetryFamily, tripFamily, type Telemetry } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import type { LoadResult } from '../src/load/load-result.js';
import { storeCutoffs } from '../src/retention/apply/cutoffs.postgres.js';
import { deleteRows } from '../src/retention/apply/delete-rows.postgres.js';
import { dropPartitions } from '../src/retention/apply/drop-partitions.postgres.js';
import type { RetentionResult } from '../src/retention/apply/retention-runner.service.js';
import { failingAfter } from './_failing-pool.js';
import { startPooler, urlThrough } from './_pooler.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  PROVIDER,
  retentionOf,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const OTHER = 'f7b2c3d4-0000-4000-8000-000000000002';
const TODAY = YESTERDAY / DAY_MS + 1;
const never = new AbortController().signal;
const topic = telemetryFamily.topic.name;

let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Some time of the day that is a number of days before today. */
const daysAgo = (days: number): number => (TODAY - days) * DAY_MS + 3_600_000;
const pointsOf = (days: readonly number[], given: Partial<Telemetry> = {}): Telemetry[] =>
  days.map((day) => makeTelemetry({ timestamp: daysAgo(day), ...given }));
const nameOf = (day: number, table = 'telemetry'): string =>
  `${table}_${new Date(daysAgo(day)).toISOString().slice(0, 10).replaceAll('-', '')}`;

async function load(points: readonly Telemetry[], retention = ''): Promise<LoadResult> {
  await append(broker, topic, toRecords(points));
  await using runner = await createLoadRunner(broker, database, { retention });
  return await runner.load(never);
}

async function retain(retention: string, isDryRun = false): Promise<RetentionResult> {
  await using runner = await createLoadRunner(broker, database, { retention });
  return await runner.retention.run({ isDryRun, isComplete: true, signal: never });
}

/** Days ago of the rows, from the oldest to the latest. */
async function storedDays(table = 'telemetry', column = '"timestamp"'): Promise<number[]> {
  const rows = await database.query<{ day: number }>(
    `SELECT (extract(epoch FROM ${column}) / 86400)::float8 AS day FROM ride.${table} ORDER BY ${column}`,
  );
  return rows.map(({ day }) => TODAY - Math.floor(day));
}

const partitions = async (table = 'telemetry'): Promise<string[]> =>
  (
    await database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = $1::regclass ORDER BY 1`,
      [`ride.${table}`],
    )
  ).map(({ name }) => name);

describe('retention of a table', () => {
  it('drops the partitions of days that are older, and reports their rows and bytes', async () => {
    await load(pointsOf([2, 10, 11, 11, 12]));
    const bytes = await database.one<string>('SELECT pg_total_relation_size($1)', [`ride.${nameOf(11)}`]);
    const result = await retain('telemetry=10d');
    expect(result.tables.telemetry!.dropped).toEqual([
      { partition: nameOf(12), rows: 1, bytes: expect.any(Number) as number },
      { partition: nameOf(11), rows: 2, bytes: Number(bytes) },
    ]);
    expect(result).toMatchObject({ partitions: 2, rows: 3, postponed: 0, dryRun: false });
    expect(await storedDays()).toEqual([10, 2]);
    expect(await partitions()).toEqual([nameOf(10), nameOf(2)]);
    expect(await database.one('SELECT count(*)::integer FROM ride.retention_drops')).toBe(0);
  });

  it('runs after a load, and removes what the load before left', async () => {
    await load(pointsOf([2, 11]));
    expect(await load(pointsOf([3]), 'telemetry=10d')).toMatchObject({ rows: 1, expired: 0 });
    expect(await storedDays()).toEqual([3, 2]);
  });

  it('does not load expired events, and counts them: late ones, repeats and those of a log that is read again', async () => {
    const old = pointsOf([11, 12]);
    const kept = pointsOf([2]);
    await load([...old, ...kept]);
    await retain('telemetry=10d');
    expect(await load([...old, ...pointsOf([11])], 'telemetry=10d')).toMatchObject({
      read: 3,
      rows: 0,
      duplicates: 0,
      rejects: 0,
      expired: 3,
    });
    await database.query('DELETE FROM ride.log_positions');
    expect(await load([], 'telemetry=10d')).toMatchObject({ read: 6, rows: 0, duplicates: 1, expired: 5 });
    expect(await partitions()).toEqual([nameOf(2)]);
    expect(await database.one('SELECT count(*)::integer FROM ride.rejects')).toBe(0);
  });

  it('still recognises the id of a dropped row that is sent with a later event time', async () => {
    const [old] = pointsOf([11]);
    await load([old!]);
    await retain('telemetry=10d');
    expect(await load([{ ...old!, timestamp: daysAgo(3) }], 'telemetry=10d')).toMatchObject({
      rows: 0,
      duplicates: 1,
      expired: 0,
    });
  });

  it('can be extended: the rows of a dropped day can be loaded again', async () => {
    await load(pointsOf([2, 11]));
    await retain('telemetry=10d');
    await database.query('DELETE FROM ride.log_positions');
    expect(await load([], 'telemetry=30d')).toMatchObject({ rows: 1, duplicates: 1, expired: 0 });
    expect(await storedDays()).toEqual([11, 2]);
  });

  it('deletes the older rows of a partition that also has later days', async () => {
    await load(pointsOf([100, 100, 130, 700]));
    const [, cutoff] = pointsOf([100, 115]);
    const month = new Date(cutoff!.timestamp).toISOString().slice(0, 7);
    const inMonth = pointsOf([115, 116, 114]).filter(({ timestamp }) =>
      new Date(timestamp).toISOString().startsWith(month),
    );
    await load(inMonth);
    const result = await retain('telemetry=115d');
    const kept = inMonth.filter(({ timestamp }) => timestamp >= daysAgo(115)).length;
    expect(await storedDays()).toHaveLength(2 + kept);
    expect(Math.max(...(await storedDays()))).toBeLessThanOrEqual(115);
    expect(result.rows).toBe(4 + inMonth.length - 2 - kept);
  });

  it('removes nothing in a dry run, which reports the same as the run after it', async () => {
    await load([...pointsOf([2, 11, 12]), ...pointsOf([5, 5, 2], { provider_id: OTHER })]);
    const rules = `telemetry=10d,telemetry/${OTHER}=4d`;
    const planned = await retain(rules, true);
    expect(planned).toMatchObject({ partitions: 2, rows: 4, dryRun: true });
    expect(await storedDays()).toHaveLength(6);
    expect(await database.query('SELECT FROM ride.retention_cutoffs')).toEqual([]);
    const done = await retain(rules);
    expect({ ...done, dryRun: true, seconds: 0 }).toEqual({ ...planned, seconds: 0 });
    expect(await storedDays()).toEqual([2, 2]);
  });

  it('covers every table, rebuilt trips by their last event, and dead letters by the time of their rejection', async () => {
    await append(broker, riderEventFamily.topic.name, [
      { key: 'k', value: makeRiderEvent({ timestamp: daysAgo(12) }) },
      { key: 'k', value: Buffer.from('{') },
    ]);
    const trip = makeTrip({ start_time: daysAgo(20), end_time: daysAgo(20) });
    await append(broker, tripFamily.topic.name, [{ key: 'k', value: trip }]);
    await load([]);
    await database.query(`UPDATE ride.dead_letters SET rejected_at = now() - interval '9 days'`);
    expect(await database.one('SELECT count(*)::integer FROM ride.rebuilt_trips')).toBe(1);
    expect(await database.one('SELECT verdict FROM analysis.trip_comparison')).toBe('extra');
    const result = await retain('rider_events=10d,trips=15d,rebuilt_trips=11d,dead_letters=7d');
    expect(result).toMatchObject({ partitions: 2, rows: 4 });
    expect(result.tables.dead_letters!.deleted).toEqual([{ table: 'dead_letters', rows: 1 }]);
    const tables = [
      'rider_events',
      'trips',
      'rebuilt_trips',
      'compared_trips',
      'comparison_marks',
      'dead_letters',
    ];
    for (const table of tables) {
      expect(await database.one(`SELECT count(*)::integer FROM ride.${table}`)).toBe(0);
    }
  });
});

describe('retention of a provider', () => {
  const ofOther = { provider_id: OTHER };

  it('deletes the rows of that provider only', async () => {
    await load([...pointsOf([2, 5, 20]), ...pointsOf([2, 5, 20], ofOther)]);
    const result = await retain(`telemetry/${OTHER}=4d`);
    expect(result).toMatchObject({ partitions: 0, rows: 2 });
    expect(
      await database.query(
        'SELECT DISTINCT provider_id FROM ride.telemetry WHERE "timestamp" < now() - interval \'4 days\'',
      ),
    ).toEqual([{ provider_id: PROVIDER }]);
    expect(await storedDays()).toEqual([20, 5, 2, 2]);
    expect(await load(pointsOf([5, 5], ofOther), `telemetry/${OTHER}=4d`)).toMatchObject({
      rows: 0,
      expired: 2,
    });
  });

  it('may be longer than that of the table', async () => {
    await load([...pointsOf([2, 5, 20, 40]), ...pointsOf([2, 5, 20, 40], ofOther)]);
    expect(await retain(`telemetry=4d,telemetry/${OTHER}=30d`)).toMatchObject({ rows: 4 });
    expect(await storedDays()).toEqual([20, 5, 2, 2]);
  });

  it('reads only rows that have expired since the last run after a load, and all of them by the command', async () => {
    const rules = `telemetry/${OTHER}=4d`;
    await load(pointsOf([2, 5, 20], ofOther));
    await load([], rules);
    expect(await storedDays()).toEqual([2]);
    await load(pointsOf([20]), rules);
    await database.query('UPDATE ride.telemetry SET provider_id = $1', [OTHER]);
    await load([], rules);
    expect(await storedDays()).toEqual([20, 2]);
    await retain(rules);
    expect(await storedDays()).toEqual([2]);
  });

  it('applies to all rows again when a rule is removed', async () => {
    await load([...pointsOf([2, 20]), ...pointsOf([2, 20], ofOther)]);
    await load([], `telemetry=4d,telemetry/${OTHER}=forever`);
    expect(await storedDays()).toEqual([20, 2, 2]);
    await load([], `telemetry=4d`);
    expect(await storedDays()).toEqual([2, 2]);
  });
});

describe('the cutoffs in effect', () => {
  const cutoffOf = (table: string, provider: string) =>
    database.one<Date | number>('SELECT ride.retention_cutoff($1, $2)', [table, provider]);

  it('are stored by a load, and read with ride.retention_cutoff', async () => {
    await load([], `telemetry=10d,telemetry/${OTHER}=4d,trips/${OTHER}=forever`);
    expect(await cutoffOf('telemetry', PROVIDER)).toEqual(new Date((TODAY - 10) * DAY_MS));
    expect(await cutoffOf('telemetry', OTHER)).toEqual(new Date((TODAY - 4) * DAY_MS));
    expect(await cutoffOf('trips', OTHER)).toBe(-Infinity);
    expect(await cutoffOf('trips', PROVIDER)).toBe(-Infinity);
    await load([], '');
    expect(await cutoffOf('telemetry', PROVIDER)).toBe(-Infinity);
  });
});

describe('verify and backfill', () => {
  it('do not miss expired events, and do not load them', async () => {
    const rules = `telemetry=10d,telemetry/${OTHER}=4d`;
    await load([...pointsOf([2, 5, 11, 12]), ...pointsOf([2, 5], { provider_id: OTHER })]);
    await load([], rules);
    await using runner = await createLoadRunner(broker, database, { retention: rules });
    const range = { from: { kind: 'earliest' }, to: { kind: 'latest' }, partition: undefined } as const;
    const verified = await runner.verify({ ...range, topics: [topic] });
    expect(verified.ok).toBe(true);
    expect(verified.topics[topic]).toMatchObject({ log: 6, rows: 3, removed: 3, missing: 0, extra: 0 });
    for (const isDryRun of [true, false]) {
      expect(await runner.backfill({ ...range, topic, isDryRun })).toMatchObject({
        read: 6,
        rows: 0,
        duplicates: 3,
        expired: 3,
      });
    }
    expect(await storedDays()).toEqual([5, 2, 2]);
  });
});

describe('dropping a partition', () => {
  let pool: Pool;
  let reader: pg.Client;

  beforeEach(async () => {
    await load(pointsOf([2, 11, 12]));
    pool = createPool({ url: database.url, size: 3, logger: silent });
    reader = new pg.Client({ connectionString: database.url });
    await reader.connect();
  });

  afterEach(async () => {
    await reader.end();
    await pool.end();
  });

  const drop = (of: Pool = pool, firstKeptDay = TODAY - 10) => {
    const dropped: string[] = [];
    return dropPartitions(of, {
      table: 'telemetry',
      firstKeptDay,
      isDryRun: false,
      signal: never,
      onDropped: ({ partition }) => dropped.push(partition),
    }).then((postponed) => ({ postponed, dropped }));
  };
  const isWaiting = () =>
    database.one<boolean>('SELECT count(*) > 0 FROM pg_inherits WHERE inhdetachpending');
  const readTable = async (): Promise<void> => {
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM ride.telemetry');
  };

  it('waits for a query that reads the table, and does not block loads meanwhile', async () => {
    await readTable();
    const dropping = drop();
    await until(isWaiting);
    expect(await load(pointsOf([3]))).toMatchObject({ rows: 1 });
    await reader.query('COMMIT');
    // It may have waited for too long on a slow machine, and is continued then.
    await dropping;
    expect((await drop()).postponed).toEqual([]);
    expect(await partitions()).toEqual([nameOf(3), nameOf(2)]);
  });

  it('is continued by the next run if the process is killed while it waits', async () => {
    await readTable();
    const dropping = drop();
    await until(isWaiting);
    const killed = await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%CONCURRENTLY%' AND pid <> pg_backend_pid()`,
    );
    expect(killed).toHaveLength(1);
    await expect(dropping).rejects.toThrow(/terminat/);
    await reader.query('COMMIT');
    expect(await drop()).toEqual({ postponed: [], dropped: [nameOf(12), nameOf(11)] });
    expect(await partitions()).toEqual([nameOf(2)]);
  });

  it('is continued by the next run, whichever statement was the last one', { timeout: 60_000 }, async () => {
    let statements = 0;
    for (let isDone = false; !isDone; statements += 1) {
      await load(pointsOf([11, 12]));
      const started = await partitions();
      expect(started).toEqual([nameOf(12), nameOf(11), nameOf(2)]);
      try {
        await drop(failingAfter(pool, statements));
        isDone = true;
      } catch (error) {
        expect((error as Error).message).toBe('killed');
        await drop();
      }
      expect(await partitions()).toEqual([nameOf(2)]);
      expect(
        await database.query(`SELECT relname FROM pg_class WHERE relname IN ($1, $2)`, [
          nameOf(11),
          nameOf(12),
        ]),
      ).toEqual([]);
      expect(await database.query('SELECT FROM ride.retention_drops')).toEqual([]);
    }
    expect(statements).toBeGreaterThan(12);
  });

  it('leaves tables alone that others have detached, and partitions that are kept since', async () => {
    await database.query(`ALTER TABLE ride.telemetry DETACH PARTITION ride.${nameOf(12)}`);
    await database.query(`INSERT INTO ride.retention_drops VALUES ($1, 'telemetry')`, [nameOf(2)]);
    expect(await drop()).toEqual({ postponed: [], dropped: [nameOf(11)] });
    expect(await database.one(`SELECT count(*)::integer FROM ride.${nameOf(12)}`)).toBe(1);
    expect(await partitions()).toEqual([nameOf(2)]);
  });

  it('is postponed if a view depends on the partition, and the others are dropped', async () => {
    await database.query(`CREATE VIEW public.of_day AS SELECT * FROM ride.${nameOf(12)}`);
    const { postponed, dropped } = await drop();
    expect(dropped).toEqual([nameOf(11)]);
    expect(postponed).toEqual([
      { partition: nameOf(12), reason: expect.stringContaining('depend on it') as string },
    ]);
    await database.query('DROP VIEW public.of_day');
    expect((await drop()).dropped).toEqual([nameOf(12)]);
  });

  it('works next to a default partition, and through a pooler', async () => {
    const pooler = await startPooler(new URL(database.url));
    const pooled = createPool({ url: urlThrough(pooler, database.url), size: 2, logger: silent });
    try {
      expect((await drop(pooled, TODAY - 11)).dropped).toEqual([nameOf(12)]);
      await database.query('CREATE TABLE ride.others PARTITION OF ride.telemetry DEFAULT');
      expect((await drop()).dropped).toEqual([nameOf(11)]);
    } finally {
      await pooled.end();
      pooler.close();
    }
  });

  it('counts each partition once if two processes drop them', async () => {
    const results = await Promise.all([drop(), drop()]);
    const postponed = results.flatMap((each) => each.postponed);
    const dropped = results.flatMap((each) => each.dropped);
    if (postponed.length > 0) dropped.push(...(await drop()).dropped);
    expect(dropped.toSorted()).toEqual([nameOf(12), nameOf(11)].toSorted());
    expect(await partitions()).toEqual([nameOf(2)]);
  });
});

describe(deleteRows, () => {
  it('is continued by the next run, whichever statement was the last one', async () => {
    const pool = createPool({ url: database.url, size: 2, logger: silent });
    const rules = retentionOf(`telemetry/${OTHER}=4d`);
    const cutoffs = rules.cutoffs('telemetry', Date.now());
    const table = { name: 'telemetry', timeColumn: 'timestamp', isPartitioned: true, hasProvider: true };
    await load([...pointsOf([2, 9]), ...pointsOf([2, 8, 9, 10, 10], { provider_id: OTHER })]);
    await storeCutoffs(pool, cutoffs);
    const options = {
      table,
      cutoffs: cutoffs.map((each) => ({ ...each, deletedTo: -Infinity })),
      firstKeptDay: -Infinity,
      isComplete: false,
      isDryRun: false,
      signal: never,
      onDeleted: () => {},
    };
    for (let statements = 0; statements < 10; statements += 1) {
      await deleteRows(failingAfter(pool, statements), options).catch((error: unknown) => {
        expect((error as Error).message).toBe('killed');
      });
    }
    expect(await deleteRows(pool, options)).toBe(true);
    expect(await storedDays()).toEqual([9, 2, 2]);
    await pool.end();
  });
});
