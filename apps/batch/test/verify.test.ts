import { randomUUID } from 'node:crypto';
import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  connectionTo,
  createLoadRunner,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrack,
  makeTrip,
  makeVehicleEvent,
  silent,
  toRecords,
  YESTERDAY,
} from './_util.js';
import { topics, VerifyScene } from './_verify.js';

let scene: VerifyScene;
const topic = telemetryFamily.topic.name;

beforeEach(async () => {
  scene = await VerifyScene.create();
});

afterEach(() => scene[Symbol.asyncDispose]());

describe('verify', () => {
  it('finds no differences after loads of every family, with repeats and rejects', async () => {
    const track = makeTrack({ points: 300, devices: 10 });
    await append(scene.broker, topic, [
      ...toRecords(track),
      ...toRecords(track.slice(0, 50)),
      // The same id with another event time.
      ...toRecords(track.slice(0, 7).map((point) => ({ ...point, timestamp: point.timestamp + DAY_MS / 2 }))),
      { key: 'k', value: Buffer.from('not JSON') },
      { key: 'k', value: { ...makeTelemetry(), location: { lat: 100, lng: 0 } } },
    ]);
    const events = [1, 2, 3].map((day) => makeVehicleEvent({ timestamp: YESTERDAY - day * DAY_MS }));
    await append(
      scene.broker,
      vehicleEventFamily.topic.name,
      [...events, ...events].map((value) => ({ key: 'k', value })),
    );
    await append(scene.broker, riderEventFamily.topic.name, [{ key: 'k', value: makeRiderEvent() }]);
    await append(scene.broker, tripFamily.topic.name, [{ key: 'k', value: makeTrip() }]);
    await scene.load();
    const result = await scene.verify();
    expect(result.ok).toBe(true);
    expect(Object.keys(result.topics)).toEqual(topics);
    expect(result.topics[topic]).toMatchObject({
      log: 359,
      rows: 300,
      repeats: 57,
      rejects: 2,
      missing: 0,
      extra: 0,
      ahead: 0,
    });
    expect(result.topics[vehicleEventFamily.topic.name]).toMatchObject({
      log: 6,
      rows: 3,
      repeats: 3,
      missing: 0,
      extra: 0,
    });
    const dayOf = (event: { timestamp: number }) => new Date(event.timestamp).toISOString().slice(0, 10);
    expect(result.topics[vehicleEventFamily.topic.name]!.days).toEqual(
      Object.fromEntries(
        events.map((event) => [
          dayOf(event),
          { log: 2, rows: 1, repeats: 1, rejects: 0, removed: 0, missing: 0, extra: 0 },
        ]),
      ),
    );
    for (const name of [riderEventFamily.topic.name, tripFamily.topic.name]) {
      expect(result.topics[name]).toMatchObject({ log: 1, rows: 1, rejects: 0, missing: 0, extra: 0 });
    }
    const ofPartitions = Object.values(result.topics[topic]!.partitions);
    expect(ofPartitions).toHaveLength(12);
    expect(ofPartitions.reduce((sum, each) => sum + each.log, 0)).toBe(359);
    for (const each of ofPartitions) expect(each).toMatchObject({ position: each.logEnd, verdict: 'ok' });
  });

  it('finds no differences before the first load, and ignores records that are not loaded yet', async () => {
    await append(scene.broker, topic, toRecords(makeTrack({ points: 30, devices: 3 })));
    await using runner = await createLoadRunner(scene.broker, scene.database);
    await runner.migrate();
    expect(await scene.verify()).toMatchObject({
      ok: true,
      topics: { [topic]: { log: 0, missing: 0, extra: 0 } },
    });
    await scene.load();
    await append(scene.broker, topic, toRecords(makeTrack({ points: 40, devices: 3 })));
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: true,
      log: 30,
      rows: 30,
      missing: 0,
      extra: 0,
    });
  });

  it('names deleted rows, with partition, offset and day', async () => {
    const track = await scene.loadTrack();
    for (const point of track.slice(10, 13)) await scene.deleteRow(point);
    const result = await scene.verifyTelemetry();
    expect(result).toMatchObject({ ok: false, log: 200, rows: 197, missing: 3, extra: 0, rejects: 0 });
    expect(result.firstMissing.map(({ id }) => id).toSorted()).toEqual(
      track
        .slice(10, 13)
        .map((point) => point.telemetry_id)
        .toSorted(),
    );
    const day = new Date(YESTERDAY).toISOString().slice(0, 10);
    expect(result.days).toMatchObject({ [day]: { missing: 3 } });
    for (const { partition, offset, providerId } of result.firstMissing) {
      expect(result.partitions[partition]!.missing).toBeGreaterThan(0);
      expect(offset).toBeLessThan(result.partitions[partition]!.position!);
      expect(providerId).toBe(track[0]!.provider_id);
    }
  });

  it('names at most 20 of the missing records and counts all of them', async () => {
    await scene.loadTrack();
    await scene.database.query('TRUNCATE ride.telemetry');
    const result = await scene.verifyTelemetry();
    expect(result).toMatchObject({ ok: false, rows: 0, missing: 200, extra: 0 });
    expect(result.firstMissing).toHaveLength(20);
  });

  it('finds a deleted row of which the log has a repeat with the same id once for each record', async () => {
    const point = makeTelemetry();
    await append(scene.broker, topic, toRecords([point, point]));
    await scene.load();
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, rows: 1, repeats: 1 });
    await scene.deleteRow(point);
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: false, rows: 0, repeats: 0, missing: 2 });
  });

  it.each([
    ['the same receipt as another one', 'received_at', '"timestamp"'],
    ['no receipt', 'NULL', '"timestamp"'],
    ['another day', 'now()', `"timestamp" + interval '1 hour'`],
  ])('names an inserted row with %s', async (_, receivedAt, time) => {
    await scene.loadTrack();
    const id = await scene.insertRow(receivedAt, time);
    const result = await scene.verifyTelemetry();
    expect(result).toMatchObject({ ok: false, log: 200, rows: 200, missing: 0, extra: 1 });
    expect(result.firstExtra.map((row) => row.id)).toEqual([id]);
  });

  it('finds a row that replaces another one', async () => {
    const track = await scene.loadTrack();
    const id = await scene.insertRow();
    await scene.deleteRow(track.find((point) => point.telemetry_id !== id)!);
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: false, rows: 199, missing: 1, extra: 1 });
  });

  it('names a reject that was dropped', async () => {
    await append(scene.broker, topic, [
      ...toRecords(makeTrack({ points: 10, devices: 1 })),
      { key: 'bad', value: Buffer.from('not JSON') },
      { key: 'bad', value: Buffer.from('not JSON either') },
    ]);
    await scene.load();
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, log: 12, rows: 10, rejects: 2 });
    const [reject] = await scene.database.query<{ partition: number; offset: string }>(
      `DELETE FROM ride.dead_letters WHERE value = 'not JSON'::bytea RETURNING partition, "offset"`,
    );
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: false,
      rejects: 1,
      missing: 1,
      firstMissing: [
        {
          partition: reject!.partition,
          offset: Number(reject!.offset),
          id: null,
          providerId: null,
          day: 'unknown',
        },
      ],
    });
  });

  it('counts a resolved reject as the row that it became, and as missing without the row', async () => {
    const late = makeTelemetry({ timestamp: YESTERDAY - 20 * DAY_MS });
    await append(scene.broker, topic, toRecords([late]));
    {
      await using runner = await createLoadRunner(scene.broker, scene.database, { maxAgeDays: 10 });
      await runner.load(new AbortController().signal);
    }
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, rows: 0, rejects: 1 });
    await using runner = await createLoadRunner(scene.broker, scene.database, { maxAgeDays: 30 });
    await runner.retryRejects();
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, rows: 1, rejects: 0, extra: 0 });
    await scene.deleteRow(late);
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: false, rows: 0, rejects: 0, missing: 1 });
  });

  it('counts rejects that are in the dead-letter queue and not in Postgres yet', async () => {
    await append(scene.broker, topic, [{ key: 'k', value: Buffer.from('not JSON') }]);
    await scene.load();
    // As between the chunk and the end of a load.
    await scene.database.query(`DELETE FROM ride.dead_letters`);
    await scene.database.query(
      `UPDATE ride.log_positions SET next_offset = 0 WHERE topic = 'ride.dead-letter'`,
    );
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, rejects: 1, missing: 0 });
  });

  it('names records that a position skipped', async () => {
    const track = await scene.loadTrack();
    // Of the same vehicles, so that the partition has further records.
    const further = track.map((point) => ({ ...point, telemetry_id: randomUUID() }));
    await append(scene.broker, topic, toRecords(further));
    const { partition, position } = await scene.moveBusiestPosition(3);
    const result = await scene.verifyTelemetry();
    expect(result).toMatchObject({ ok: false, log: 203, rows: 200, missing: 3 });
    expect(result.firstMissing.map((each) => [each.partition, each.offset])).toEqual(
      [3, 2, 1].map((back) => [partition, position - back]),
    );
  });

  it('names a position that was moved back, and agrees after the next load', async () => {
    await scene.loadTrack();
    const { partition, position } = await scene.moveBusiestPosition(-4);
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: false,
      log: 196,
      rows: 196,
      missing: 0,
      extra: 0,
      ahead: 4,
      findings: [
        `partition ${partition}: 4 rows are of records at or after the position (${position}), which was moved back`,
      ],
    });
    await scene.load();
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: true,
      log: 200,
      rows: 200,
      extra: 0,
      ahead: 0,
    });
  });

  it('names a position beyond the end of the log, and one of another log', async () => {
    await scene.loadTrack();
    const { partition } = await scene.moveBusiestPosition(1_000);
    const beyond = await scene.verifyTelemetry();
    expect(beyond).toMatchObject({ ok: false, extra: null });
    expect(beyond.findings[0]).toMatch(new RegExp(`^partition ${partition}: .*beyond-log-end`));
    await scene.database.query(`UPDATE ride.log_positions SET topic_id = 'another'`);
    expect((await scene.verifyTelemetry()).findings).toHaveLength(
      Object.values(beyond.partitions).filter(({ position }) => position! > 0).length,
    );
  });

  it('writes nothing', async () => {
    await scene.loadTrack(50);
    await scene.insertRow();
    const state = () =>
      scene.database.query(
        `SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_all_tables WHERE schemaname IN ('ride', 'analysis') ORDER BY 1`,
      );
    await scene.database.query('SELECT pg_stat_force_next_flush()');
    const before = await state();
    await using admin = createAdmin({ connection: connectionTo(scene.broker), logger: silent });
    const ends = await admin.offsets('ride.dead-letter');
    await scene.verify();
    expect(await state()).toEqual(before);
    expect(await admin.offsets('ride.dead-letter')).toEqual(ends);
  });
});
