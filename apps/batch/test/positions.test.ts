import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import {
  createPartitions,
  deleteRecords,
  deleteTopic,
  startTestBroker,
  type TestBroker,
} from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadResult } from '../src/load/load-result.js';
import type { PositionTools } from '../src/positions/position-tools.js';
import { tablesByTopic } from '../src/rows/tables.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  makeTrack,
  silent,
  toRecords,
  type TestDatabase,
} from './_util.js';

const topic = telemetryFamily.topic.name;
const never = new AbortController().signal;
let broker: TestBroker;
let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batch-positions-'));
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function loadOnce(settings?: { chunkRecords?: number }): Promise<LoadResult> {
  await using loads = await createLoadRunner(broker, database, settings);
  return await loads.load(never);
}

async function withTools<T>(use: (tools: PositionTools) => Promise<T>): Promise<T> {
  await using loads = await createLoadRunner(broker, database);
  return await use(loads.positionTools);
}

const countTelemetry = (): Promise<string> => database.one<string>('SELECT count(*) FROM ride.telemetry');
const track = (points: number) => toRecords(makeTrack({ points, devices: 20 }));
/** All records of one device are in one partition. */
const trackOfOne = (points: number) => toRecords(makeTrack({ points, devices: 1 }));

async function recreateTopic(): Promise<void> {
  await deleteTopic(broker, topic);
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
}

/** A copy of the broker's data directory that can be restored. */
async function snapshot(): Promise<() => Promise<void>> {
  await broker.kill();
  await cp(broker.dataDir, join(folder, 'snapshot'), { recursive: true });
  await broker.restart();
  return async () => {
    await broker.kill();
    await rm(broker.dataDir, { recursive: true });
    await cp(join(folder, 'snapshot'), broker.dataDir, { recursive: true });
    await broker.restart();
  };
}

async function expectRefusal(reason: RegExp): Promise<void> {
  await expect(loadOnce()).rejects.toMatchObject({
    code: 'POSITIONS_REFUSED',
    message: expect.stringMatching(reason) as string,
  });
}

async function reset(to: 'earliest' | 'latest' = 'earliest'): Promise<void> {
  await withTools(async (tools) => tools.reset(await tools.planReset({ topics: [topic] }, { kind: to })));
}

describe('positions of a lost log', () => {
  it('are refused although the new log is longer, and all of it is loaded after a reset', async () => {
    await append(broker, topic, track(200));
    await loadOnce();
    await broker[Symbol.asyncDispose]();
    broker = await startTestBroker();
    await append(broker, topic, track(2_000));
    await expectRefusal(/belong to another cluster(.|\n)*positions reset --topic ride\.telemetry/);
    await append(broker, topic, track(50));
    await expectRefusal(/belong to another cluster/);
    expect(await countTelemetry()).toBe('200');
    await using loads = await createLoadRunner(broker, database);
    expect(await loads.lag()).toBe(2_050);
    await reset();
    expect(await loadOnce()).toMatchObject({ outcome: 'complete', rows: 2_050, lost: 0 });
    expect(await countTelemetry()).toBe('2250');
  });

  it('are reported with both identities', async () => {
    await append(broker, topic, track(20));
    await loadOnce();
    const [before] = await withTools((tools) => tools.show({ topics: [topic] }));
    await broker[Symbol.asyncDispose]();
    broker = await startTestBroker();
    await append(broker, topic, track(20));
    const [after] = await withTools((tools) => tools.show({ topics: [topic] }));
    expect(after!.present).not.toEqual(before!.present);
    const error = await loadOnce().catch((each: unknown) => each as Error);
    for (const { clusterId, topicId } of [before!.present!, after!.present!]) {
      expect((error as Error).message).toContain(`cluster ${clusterId}, topic id ${topicId}`);
    }
  });

  it('are bound to the new log if nothing of the old one was loaded', async () => {
    await loadOnce();
    await broker[Symbol.asyncDispose]();
    broker = await startTestBroker();
    await append(broker, topic, track(30));
    expect(await loadOnce()).toMatchObject({ rows: 30 });
  });
});

describe('positions of a recreated topic', () => {
  it('are refused if the new topic is shorter, and if it is longer', async () => {
    await append(broker, topic, track(200));
    await loadOnce();
    await recreateTopic();
    await expectRefusal(/belong to a topic of this name/);
    await append(broker, topic, track(1_000));
    await expectRefusal(/belong to a topic of this name/);
    await reset();
    expect(await loadOnce()).toMatchObject({ rows: 1_000 });
  });

  it('are refused by a load that has already started', async () => {
    await append(broker, topic, track(4_000));
    await using loads = await createLoadRunner(broker, database, { chunkRecords: 10 });
    const loading = loads.load(never).catch((error: unknown) => error);
    await until(async () => {
      const [table] = await database.query(`SELECT to_regclass('ride.telemetry') IS NOT NULL AS exists`);
      return table?.['exists'] === true && Number(await countTelemetry()) > 0;
    });
    await recreateTopic();
    await append(broker, topic, track(6_000));
    expect(await loading).toMatchObject({
      code: expect.stringMatching(/^(LOG_CHANGED|UNKNOWN_TOPIC)$/) as string,
    });
    await expectRefusal(/belong to a topic of this name/);
    await reset();
    await loadOnce();
    expect(Number(await countTelemetry())).toBeGreaterThanOrEqual(6_000);
  });
});

describe('positions of a truncated log', () => {
  it('are refused beyond its end, also after it has grown beyond them', async () => {
    await append(broker, topic, track(100));
    const restore = await snapshot();
    await append(broker, topic, track(100));
    await loadOnce();
    await restore();
    await expectRefusal(/beyond the end of the log/);
    await append(broker, topic, track(2_000));
    await expectRefusal(/beyond the end of the log/);
    await reset();
    expect(await loadOnce()).toMatchObject({ rows: 2_000, duplicates: 100 });
  });

  it('are refused if it has grown beyond them before the next load', async () => {
    const records = trackOfOne(400);
    await append(broker, topic, records.slice(0, 10));
    const restore = await snapshot();
    await append(broker, topic, records.slice(10, 110));
    await loadOnce();
    await restore();
    await append(broker, topic, records.slice(110));
    await expectRefusal(/is not the one that was loaded from there/);
    await expectRefusal(/has a different record at the offset/);
    await reset();
    await loadOnce();
    expect(await countTelemetry()).toBe('400');
  });

  it('are kept for an adopted copy of the log', async () => {
    await append(broker, topic, track(100));
    await loadOnce();
    await append(broker, topic, track(50));
    await database.query(`UPDATE ride.log_positions SET cluster_id = 'another'`);
    await expectRefusal(/belong to another cluster/);
    const topics = [...tablesByTopic.keys()];
    await withTools(async (tools) => tools.adopt(await tools.planAdopt({ topics }), { isForced: false }));
    expect(await loadOnce()).toMatchObject({ rows: 50, duplicates: 0 });
  });
});

describe('positions that are not bound to a log', () => {
  const unbind = () =>
    database.query(
      `UPDATE ride.log_positions
       SET cluster_id = NULL, topic_id = NULL, last_offset = NULL, last_digest = NULL, last_next_offset = NULL`,
    );

  it('are bound if the database contains the records before them', async () => {
    const records = trackOfOne(600);
    await append(broker, topic, [
      ...records.slice(0, 300),
      { ...records[0]!, value: Buffer.from('not JSON') },
    ]);
    await loadOnce();
    await unbind();
    await append(broker, topic, records.slice(300));
    expect(await loadOnce()).toMatchObject({ rows: 300, duplicates: 0 });
    const shown = await withTools((tools) => tools.show({ topics: [topic] }));
    expect(new Set(shown.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    expect(shown.find(({ stored }) => stored!.nextOffset === 601n)?.stored).toMatchObject({
      identity: shown[0]!.present,
      lastRecord: { offset: 600n },
    });
  });

  it('are refused if it does not', async () => {
    const records = trackOfOne(800);
    await append(broker, topic, records.slice(0, 300));
    await loadOnce();
    await unbind();
    await broker[Symbol.asyncDispose]();
    broker = await startTestBroker();
    await append(broker, topic, records.slice(300));
    await expectRefusal(/the record at offset \d+ was never loaded/);
    await expectRefusal(/the record at offset \d+ was never loaded/);
    expect(await countTelemetry()).toBe('300');
  });
});

describe('an added partition', () => {
  it('is loaded from its first record', async () => {
    await append(broker, topic, track(100));
    await loadOnce();
    await createPartitions(broker, topic, telemetryFamily.topic.partitions + 20);
    const records = Array.from({ length: 400 }, () => trackOfOne(1)[0]!);
    await append(broker, topic, records);
    await loadOnce();
    expect(await countTelemetry()).toBe('500');
    expect(
      await database.one('SELECT count(*)::integer FROM ride.log_positions WHERE topic = $1', [topic]),
    ).toBe(telemetryFamily.topic.partitions + 20);
  });
});

describe('records that were deleted before they were loaded', () => {
  async function partitionOf(): Promise<number> {
    const [position] = await database.query<{ partition: number }>(
      'SELECT partition FROM ride.log_positions WHERE topic = $1 ORDER BY next_offset DESC LIMIT 1',
      [topic],
    );
    return position!.partition;
  }

  it('are counted once, recorded, and make the load incomplete', async () => {
    const device = makeTrack({ points: 100, devices: 1 });
    await append(broker, topic, toRecords(device.slice(0, 10)));
    await loadOnce();
    const partition = await partitionOf();
    await append(broker, topic, toRecords(device.slice(10)));
    await deleteRecords(broker, { topic, partition, offset: 60n });
    const results = await Promise.all([loadOnce(), loadOnce()]);
    expect(results.reduce((sum, { lost }) => sum + lost, 0)).toBe(50);
    expect(results.reduce((sum, { rows }) => sum + rows, 0)).toBe(40);
    const incomplete = results.find(({ outcome }) => outcome === 'incomplete')!;
    expect(incomplete.topics[topic]).toMatchObject({ lost: 50, lostByPartition: { [partition]: 50 } });
    expect(await loadOnce()).toMatchObject({ outcome: 'complete', lost: 0 });
    const gaps = 'SELECT topic, partition, from_offset, to_offset, cause FROM ride.log_gaps';
    expect(await database.query(gaps)).toEqual([
      { topic, partition, from_offset: '10', to_offset: '60', cause: 'deleted' },
    ]);
  });

  it('add up with the loaded ones', async () => {
    const device = makeTrack({ points: 100, devices: 1 });
    await append(broker, topic, toRecords(device.slice(0, 10)));
    await loadOnce();
    await append(broker, topic, toRecords([...device.slice(10), ...device.slice(90)]));
    await deleteRecords(broker, { topic, partition: await partitionOf(), offset: 60n });
    const result = await loadOnce();
    expect(result.topics[topic]).toMatchObject({
      from: 10,
      to: 110,
      lost: 50,
      read: 50,
      rows: 40,
      duplicates: 10,
      skipped: 0,
    });
  });
});

describe('reset positions', () => {
  it('record the offsets that they skip', async () => {
    await append(broker, topic, trackOfOne(30));
    await loadOnce();
    await append(broker, topic, trackOfOne(25));
    await reset('latest');
    expect(await loadOnce()).toMatchObject({ read: 0, lost: 0, outcome: 'complete' });
    expect(
      await database.query(
        `SELECT sum(to_offset - from_offset)::integer AS passed, min(cause) AS cause FROM ride.log_gaps`,
      ),
    ).toEqual([{ passed: 25, cause: 'reset' }]);
  });

  it('load no record twice from the earliest one', async () => {
    await append(broker, topic, track(300));
    await loadOnce();
    await reset();
    expect(await loadOnce()).toMatchObject({ read: 300, rows: 0, duplicates: 300 });
  });

  it('stop a load that reads from other positions', async () => {
    await append(broker, topic, track(6_000));
    await using loads = await createLoadRunner(broker, database, { chunkRecords: 10 });
    const loading = loads.load(never).catch((error: unknown) => error);
    await until(async () => {
      const [table] = await database.query(`SELECT to_regclass('ride.telemetry') IS NOT NULL AS exists`);
      return table?.['exists'] === true && Number(await countTelemetry()) > 0;
    });
    await reset();
    expect(await loading).toMatchObject({ code: 'POSITION_MOVED_BACK' });
    await loadOnce();
    expect(await countTelemetry()).toBe('6000');
  });

  it('reject an offset that is not in the log', async () => {
    await append(broker, topic, trackOfOne(10));
    await loadOnce();
    const planned = withTools((tools) =>
      tools.planReset({ topics: [topic] }, { kind: 'offset', offset: 11n }),
    );
    await expect(planned).rejects.toThrow(/expected an offset from 0 to \d+, got 11/);
  });
});

describe('a restored database', () => {
  it('is loaded again from its positions', async () => {
    await append(broker, topic, track(100));
    await loadOnce();
    const tables = ['log_positions', 'telemetry', 'telemetry_seen'];
    for (const table of tables) {
      await database.query(`CREATE TABLE public.${table}_backup AS TABLE ride.${table}`);
    }
    await append(broker, topic, track(200));
    await loadOnce();
    for (const table of tables) {
      await database.query(`TRUNCATE ride.${table}`);
      await database.query(`INSERT INTO ride.${table} TABLE public.${table}_backup`);
    }
    expect(await loadOnce()).toMatchObject({ rows: 200, duplicates: 0, lost: 0, outcome: 'complete' });
    expect(await countTelemetry()).toBe('300');
  });

  it('without the schema is migrated by the next load', async () => {
    await append(broker, topic, track(10));
    await using loads = await createLoadRunner(broker, database);
    await loads.load(never);
    await database.query(
      'DROP SCHEMA ride CASCADE; DROP SCHEMA analysis CASCADE; DROP TABLE IF EXISTS public.hailstream_migrations',
    );
    await expect(loads.load(never)).rejects.toMatchObject({ code: '42P01' });
    expect(await loads.load(never)).toMatchObject({ rows: 10 });
  });
});
