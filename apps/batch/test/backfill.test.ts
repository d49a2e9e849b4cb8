import { randomUUID } from 'node:crypto';
import { deadLetterTopic, telemetryFamily, tripFamily, type Telemetry } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import {
  appendTransaction,
  deleteRecords,
  spoilBatch,
  startTestBroker,
  type TestBroker,
} from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackfillOptions, BackfillResult } from '../src/backfill/backfiller.service.js';
import type { ResetTarget } from '../src/positions/reset-target.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  makeTrack,
  makeTrip,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;
const never = new AbortController().signal;
const topic = telemetryFamily.topic.name;
const WHOLE = { from: { kind: 'earliest' }, to: { kind: 'latest' } } as const;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

interface Settings {
  chunkRecords?: number;
  maxAgeDays?: number;
}

async function load(settings: Settings = {}) {
  await using runner = await createLoadRunner(broker, database, settings);
  return await runner.load(never);
}

async function backfill(
  given: Partial<BackfillOptions> = {},
  settings: Settings = {},
): Promise<BackfillResult> {
  await using runner = await createLoadRunner(broker, database, settings);
  return await runner.backfill({ topic, partition: undefined, ...WHOLE, isDryRun: false, ...given });
}

/** The comparison of log and tables, which does not use the code of loads. */
async function verify() {
  await using runner = await createLoadRunner(broker, database);
  const result = await runner.verify({ topics: [topic], ...WHOLE, partition: undefined });
  const { log, rows, repeats, rejects, missing, extra } = result.topics[topic]!;
  return { ok: result.ok, log, rows, repeats, rejects, missing, extra };
}

async function loadTrack(points: number, devices = 20): Promise<Telemetry[]> {
  const track = makeTrack({ points, devices });
  await append(broker, topic, toRecords(track));
  await load();
  return track;
}

async function deleteRows(points: readonly Telemetry[]): Promise<void> {
  await database.query('DELETE FROM ride.telemetry WHERE telemetry_id = ANY($1::uuid[])', [
    points.map((point) => point.telemetry_id),
  ]);
}

/** The contents of all tables of schema ride. */
async function contents(): Promise<string> {
  const tables = await database.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'ride'::regnamespace AND relkind = 'r' ORDER BY 1`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    texts.push(
      await database.one(
        `SELECT '${name} ' || coalesce(string_agg(each::text, ';' ORDER BY each::text), '') FROM ${name} AS each`,
      ),
    );
  }
  return texts.join('\n');
}

const positions = () =>
  database.query(
    'SELECT topic, partition, next_offset, moved_at FROM ride.log_positions WHERE topic = $1 ORDER BY 2',
    [topic],
  );
const time = (timestampMs: number): ResetTarget => ({ kind: 'time', timestampMs });

describe('backfill', () => {
  it('loads rows that were deleted, each once and unchanged, and does not move positions', async () => {
    const track = await loadTrack(300);
    const before = [await contents(), await positions()];
    await deleteRows(track.slice(100, 150));
    expect(await backfill({}, { chunkRecords: 7 })).toMatchObject({
      topic,
      read: 300,
      rows: 50,
      duplicates: 250,
      rejects: 0,
      skipped: 0,
      dryRun: false,
    });
    // Rebuilds the trips that the backfill has marked.
    await load();
    expect([await contents(), await positions()]).toEqual(before);
    expect(await verify()).toEqual({
      ok: true,
      log: 300,
      rows: 300,
      repeats: 0,
      rejects: 0,
      missing: 0,
      extra: 0,
    });
    expect(await backfill()).toMatchObject({ rows: 0, duplicates: 300 });
  });

  it('loads a day whose partition was dropped, and rows whose keys have expired', async () => {
    const days = [0, 1, 2].flatMap((day) =>
      makeTrack({ points: 40, devices: 4 }).map((point) => ({
        ...point,
        timestamp: point.timestamp - day * DAY_MS,
      })),
    );
    await append(broker, topic, toRecords(days));
    await load();
    const name = new Date(YESTERDAY - DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
    await database.query(`DROP TABLE ride.telemetry_${name}`);
    await database.query('DELETE FROM ride.telemetry_seen');
    await deleteRows(days.slice(0, 5));
    expect(await backfill()).toMatchObject({ read: 120, rows: 45, duplicates: 75 });
    expect(await verify()).toMatchObject({ ok: true, rows: 120 });
    // An id is recognised again.
    expect(await database.one('SELECT count(*)::integer FROM ride.telemetry_seen')).toBe(45);
  });

  it('loads the first of several records of an event, as a load does', async () => {
    const point = makeTelemetry();
    const other = { ...point, timestamp: point.timestamp + DAY_MS / 3 };
    const inOtherPartition = (value: Telemetry) => ({ key: point.device_id, value });
    await append(broker, topic, [point, point, other, other].map(inOtherPartition));
    await load({ chunkRecords: 1 });
    await deleteRows([point]);
    expect(await backfill({}, { chunkRecords: 1 })).toMatchObject({ read: 4, rows: 1, duplicates: 3 });
    expect(await database.one('SELECT "timestamp" FROM ride.telemetry')).toEqual(new Date(point.timestamp));
    // An event that exists with another event time is not loaded a second time.
    expect(await backfill()).toMatchObject({ rows: 0, duplicates: 4 });
  });

  it('loads a range of received times or offsets only', async () => {
    const start = YESTERDAY + 7 * 3_600_000;
    const track = makeTrack({ points: 100, devices: 1 });
    await append(
      broker,
      topic,
      toRecords(track).map((record, index) => ({ ...record, timestampMs: start + index * 1_000 })),
    );
    await load();
    await database.query('TRUNCATE ride.telemetry');
    const ids = async () =>
      (await database.query<{ id: string }>('SELECT telemetry_id AS id FROM ride.telemetry'))
        .map(({ id }) => id)
        .toSorted();
    const idsOf = (from: number, to: number) =>
      track
        .slice(from, to)
        .map((point) => point.telemetry_id)
        .toSorted();
    expect(await backfill({ from: time(start + 10_000), to: time(start + 15_000) })).toMatchObject({
      read: 5,
      rows: 5,
    });
    expect(await ids()).toEqual(idsOf(10, 15));
    const result = await backfill({
      from: { kind: 'offset', offset: 12n },
      to: { kind: 'offset', offset: 20n },
    });
    expect(result).toMatchObject({ read: 8, rows: 5, duplicates: 3 });
    expect(Object.values(result.partitions)).toEqual([{ from: 12, to: 20 }]);
    expect(await ids()).toEqual(idsOf(10, 20));
    const received = await database.query<{ at: Date }>(
      'SELECT received_at AS at FROM ride.telemetry ORDER BY 1',
    );
    expect(received.map(({ at }) => at.getTime())).toEqual(
      Array.from({ length: 10 }, (_, index) => start + (index + 10) * 1_000),
    );
  });

  it('leaves records at or after the position to the loads, and loads those that a reset has skipped', async () => {
    await loadTrack(50);
    await append(broker, topic, toRecords(makeTrack({ points: 30, devices: 9 })));
    expect(await backfill()).toMatchObject({ read: 50, rows: 0, duplicates: 50 });
    {
      await using runner = await createLoadRunner(broker, database);
      await runner.positionTools.reset(
        await runner.positionTools.planReset({ topics: [topic] }, { kind: 'latest' }),
      );
    }
    await append(broker, topic, toRecords(makeTrack({ points: 20, devices: 9 })));
    expect(await verify()).toMatchObject({ ok: false, missing: 30 });
    expect(await backfill()).toMatchObject({ read: 80, rows: 30, duplicates: 50 });
    expect(await verify()).toMatchObject({ ok: true, rows: 80 });
    expect(await load()).toMatchObject({ rows: 20, duplicates: 0 });
  });

  it('rejects records as a load does, once, and restores rejects that were dropped', async () => {
    await append(broker, topic, [
      ...toRecords(makeTrack({ points: 10, devices: 2 })),
      { key: 'k', value: Buffer.from('not JSON') },
      { key: 'k', value: makeTelemetry({ timestamp: YESTERDAY - 40 * DAY_MS }) },
    ]);
    await appendTransaction(broker, { topic, partition: 0, values: ['spoiled', 'too'], outcome: 'commit' });
    await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
    const offset = (await admin.offsets(topic)).get(0)!.latest - 3n;
    await spoilBatch(broker, { topic, partition: 0, offset });
    await load({ maxAgeDays: 30 });
    const rejects = () =>
      database.query(
        'SELECT topic, partition, "offset", last_offset, reason, key, value, received_at FROM ride.rejects ORDER BY 1, 2, 3',
      );
    const loaded = await rejects();
    expect(loaded).toHaveLength(3);
    const letters = async () =>
      [...(await admin.offsets(deadLetterTopic.name)).values()].reduce((sum, { latest }) => sum + latest, 0n);
    const before = await letters();
    const counts = { read: 13, rows: 0, duplicates: 10, rejects: 3, skipped: 1 };
    expect(await backfill({}, { maxAgeDays: 30 })).toMatchObject(counts);
    expect(await letters()).toBe(before);
    await database.query('DELETE FROM ride.dead_letters');
    expect(await verify()).toMatchObject({ ok: false, missing: 3 });
    expect(await backfill({}, { maxAgeDays: 30 })).toMatchObject(counts);
    expect(await rejects()).toEqual(loaded);
    expect(await verify()).toMatchObject({ ok: true, rejects: 3, missing: 0 });
  });

  it('does not reject a record again whose event was loaded after it was rejected', async () => {
    const late = makeTelemetry({ timestamp: YESTERDAY - 20 * DAY_MS });
    await append(broker, topic, toRecords([late]));
    await load({ maxAgeDays: 10 });
    {
      await using runner = await createLoadRunner(broker, database, { maxAgeDays: 30 });
      await runner.retryRejects();
    }
    expect(await backfill({}, { maxAgeDays: 10 })).toMatchObject({ rows: 0, duplicates: 1, rejects: 0 });
    await deleteRows([late]);
    expect(await backfill({}, { maxAgeDays: 10 })).toMatchObject({ rows: 0, duplicates: 0, rejects: 1 });
    expect(await verify()).toMatchObject({ ok: true, rejects: 1 });
    expect(await backfill({}, { maxAgeDays: 30 })).toMatchObject({ rows: 1, rejects: 0 });
    expect(await verify()).toMatchObject({ missing: 0, extra: 0 });
  });

  it('rejects a row that Postgres rejects', async () => {
    const track = await loadTrack(20);
    await deleteRows(track.slice(0, 3));
    await database.query(
      `ALTER TABLE ride.telemetry ADD CONSTRAINT no_first CHECK (telemetry_id <> '${track[1]!.telemetry_id}')`,
    );
    expect(await backfill()).toMatchObject({ rows: 2, duplicates: 17, rejects: 1 });
    const reasons = await database.query<{ reason: string }>('SELECT reason FROM ride.rejects');
    expect(reasons).toEqual([{ reason: expect.stringContaining('no_first') as string }]);
    expect(await verify()).toMatchObject({ ok: true, rejects: 1, missing: 0 });
    expect(await backfill()).toMatchObject({ rows: 0, rejects: 1 });
  });

  it('returns the same counts in a dry run and changes nothing', async () => {
    const track = await loadTrack(100);
    await append(broker, topic, [{ key: 'k', value: Buffer.from('not JSON') }]);
    await load();
    await deleteRows(track.slice(0, 30));
    await database.query('DELETE FROM ride.dead_letters');
    const before = await contents();
    await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
    const ends = await admin.offsets(deadLetterTopic.name);
    const counts = { read: 101, rows: 30, duplicates: 70, rejects: 1 };
    expect(await backfill({ isDryRun: true })).toMatchObject({ ...counts, dryRun: true });
    expect(await contents()).toBe(before);
    expect(await admin.offsets(deadLetterTopic.name)).toEqual(ends);
    expect(await backfill()).toMatchObject({ ...counts, dryRun: false });
  });

  it('loads every event once next to another backfill and a load of the same events', async () => {
    const track = await loadTrack(2_000, 50);
    await deleteRows(track.slice(0, 1_500));
    // Loads recognise these only by their rows and by the keys of backfills.
    await database.query('DELETE FROM ride.telemetry_seen');
    const later = makeTrack({ points: 1_000, devices: 50 });
    const moved = track.slice(0, 500).map((point) => ({ ...point, timestamp: point.timestamp + 1 }));
    await append(broker, topic, [...toRecords(track.slice(200)), ...toRecords(moved), ...toRecords(later)]);
    const [first, second, loaded] = await Promise.all([
      backfill({}, { chunkRecords: 60 }),
      backfill({}, { chunkRecords: 50 }),
      load({ chunkRecords: 40 }),
    ]);
    expect(loaded.rejects + first.rejects + second.rejects).toBe(0);
    // The events of the track and later ones; each has one row, of either writer.
    expect(first.rows + second.rows + loaded.rows).toBe(1_500 + 1_000);
    const [counts] = await database.query(
      'SELECT count(*)::integer AS rows, count(DISTINCT (telemetry_id, provider_id))::integer AS ids FROM ride.telemetry',
    );
    expect(counts).toEqual({ rows: 3_000, ids: 3_000 });
    expect(await verify()).toMatchObject({ ok: true, rows: 3_000, missing: 0, extra: 0 });
  });

  it('continues after it was interrupted', async () => {
    const track = await loadTrack(400);
    await deleteRows(track);
    const stop = new AbortController();
    await using runner = await createLoadRunner(broker, database, { chunkRecords: 20 });
    const options = { topic, partition: undefined, ...WHOLE, isDryRun: false };
    const stopped = runner.backfill(options, stop.signal, ({ done }) => {
      if (done >= 100) stop.abort();
    });
    await expect(stopped).rejects.toThrow('aborted');
    const rows = await database.one<number>('SELECT count(*)::integer FROM ride.telemetry');
    expect(rows).toBeGreaterThanOrEqual(100);
    expect(rows).toBeLessThan(400);
    expect(await backfill()).toMatchObject({ rows: 400 - rows, duplicates: rows });
    expect(await verify()).toMatchObject({ ok: true, rows: 400 });
  });

  it('refuses a range of which the log has deleted records', async () => {
    const start = YESTERDAY + 7 * 3_600_000;
    await append(
      broker,
      topic,
      toRecords(makeTrack({ points: 100, devices: 1 })).map((record, index) => ({
        ...record,
        timestampMs: start + index * 1_000,
      })),
    );
    await load();
    await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
    const [partition] = [...(await admin.offsets(topic))].find(([, { latest }]) => latest > 0n)!;
    await deleteRecords(broker, { topic, partition, offset: 40n });
    const failure = { name: 'BackfillError', code: 'RANGE' };
    await expect(backfill({ from: { kind: 'offset', offset: 39n }, partition })).rejects.toMatchObject({
      ...failure,
      message: expect.stringMatching(
        new RegExp(`^${topic}-${partition}: --from: expected an offset from 40 to 100, got 39`),
      ) as string,
    });
    await expect(backfill({ from: time(start + 39_000) })).rejects.toMatchObject({
      ...failure,
      message: expect.stringContaining(
        `before offset 40, which was received at ${new Date(start + 40_000).toISOString()}`,
      ) as string,
    });
    await expect(backfill({ from: { kind: 'offset', offset: 101n }, partition })).rejects.toMatchObject({
      ...failure,
      message: expect.stringContaining('the log ends before offset 101') as string,
    });
    await database.query('TRUNCATE ride.telemetry');
    expect(await backfill({ from: time(start + 40_000), to: time(start + 50_000) })).toMatchObject({
      rows: 10,
    });
    expect(await backfill()).toMatchObject({ rows: 50, duplicates: 10 });
  });

  it('refuses a topic or partition that the log does not have, and positions of another log', async () => {
    await loadTrack(10);
    await expect(backfill({ partition: 99 })).rejects.toThrow(`the log has no partition ${topic}-99`);
    await database.query(`UPDATE ride.log_positions SET topic_id = 'another' WHERE next_offset > 0`);
    await expect(backfill()).rejects.toThrow('do not belong to this log');
  });

  it('loads nothing of a topic that was never loaded', async () => {
    await append(broker, tripFamily.topic.name, [{ key: randomUUID(), value: makeTrip() }]);
    expect(await backfill({ topic: tripFamily.topic.name })).toMatchObject({
      read: 0,
      rows: 0,
      partitions: {},
    });
  });
});
