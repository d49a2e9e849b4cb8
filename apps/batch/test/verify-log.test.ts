import { randomUUID } from 'node:crypto';
import { batchGroup, telemetryFamily } from '@hailstream/events';
import { REDRIVE_HEADERS } from '@hailstream/log';
import { appendTransaction, spoilBatch } from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { append, makeTelemetry, makeTrack, toRecords, YESTERDAY, type TestRecord } from './_util.js';
import { VerifyScene } from './_verify.js';

let scene: VerifyScene;
const topic = telemetryFamily.topic.name;

beforeEach(async () => {
  scene = await VerifyScene.create();
});

afterEach(() => scene[Symbol.asyncDispose]());

describe('verify', () => {
  it('does not count rows as extra that were received before the first record of the log', async () => {
    await scene.loadTrack();
    await scene.insertRow(`received_at - interval '1 hour'`);
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, rows: 200, extra: 0 });
  });

  it('does not count rows as extra whose records the log has deleted', async () => {
    const hour = 3_600_000;
    const start = Date.now() - 4 * hour;
    const track = makeTrack({ points: 120, devices: 1 });
    const records = toRecords(track).map((record, index) => ({
      ...record,
      timestampMs: start + index * 60_000,
    }));
    await append(scene.broker, topic, records);
    await scene.load();
    await scene.deleteRecordsBefore(30n);
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: true,
      log: 90,
      rows: 90,
      missing: 0,
      extra: 0,
    });
    // Within ten minutes of the first record that remains, a row may be of a deleted record.
    const at = (minutes: number) => `'${new Date(start + minutes * 60_000).toISOString()}'::timestamptz`;
    await scene.insertRow(at(39));
    await scene.insertRow('NULL');
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, extra: 0 });
    const id = await scene.insertRow(at(40));
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: false, extra: 1, firstExtra: [{ id }] });
    await scene.deleteRow(track[60]!);
    await scene.deleteRow(track[10]!);
    expect(await scene.verifyTelemetry()).toMatchObject({ missing: 1, firstMissing: [{ offset: 60 }] });
  });

  it('does not know what is extra if a partition has no records left, until the position was last moved', async () => {
    const track = await scene.loadTrack(50);
    await scene.deleteRecordsBefore(-1n);
    await scene.insertRow('now()');
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, log: 0, extra: 0 });
    await scene.insertRow(`now() + interval '1 hour'`);
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: false, extra: 1 });
    expect(track).toHaveLength(50);
  });

  it('agrees on a log with aborted transactions, and with records that were redriven for another group', async () => {
    const aborted = makeTrack({ points: 3, devices: 1 }).map((point) => JSON.stringify(point));
    await scene.loadTrack(50);
    await appendTransaction(scene.broker, { topic, partition: 0, values: aborted, outcome: 'abort' });
    const headersFor = (group: string) => ({
      [REDRIVE_HEADERS.id]: 'some dead letter',
      [REDRIVE_HEADERS.group]: group,
      [REDRIVE_HEADERS.count]: '1',
    });
    const redriven = (group: string): TestRecord => ({
      key: 'k',
      value: makeTelemetry(),
      headers: headersFor(group),
    });
    await append(scene.broker, topic, [redriven('another'), redriven(batchGroup)]);
    await scene.load();
    // Three aborted records, the marker and the record of another group.
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: true,
      log: 51,
      rows: 51,
      skipped: 5,
      extra: 0,
    });
  });

  it('counts a batch that cannot be decoded as one reject, and names it if it was not rejected', async () => {
    await append(scene.broker, topic, []);
    await appendTransaction(scene.broker, {
      topic,
      partition: 0,
      values: ['spoiled', 'too'],
      outcome: 'commit',
    });
    await spoilBatch(scene.broker, { topic, partition: 0, offset: 0n });
    await append(scene.broker, topic, toRecords(makeTrack({ points: 20, devices: 2 })));
    await scene.load();
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: true,
      log: 21,
      rows: 20,
      rejects: 1,
      undecodable: 1,
    });
    await scene.database.query('DELETE FROM ride.dead_letters');
    expect(await scene.verifyTelemetry()).toMatchObject({
      ok: false,
      missing: 1,
      firstMissing: [{ partition: 0, offset: 0 }],
    });
  });

  it('agrees on a log of which records were deleted before they were loaded', async () => {
    await append(scene.broker, topic, toRecords(makeTrack({ points: 40, devices: 1 })));
    await scene.load();
    await append(
      scene.broker,
      topic,
      toRecords(makeTrack({ points: 60, devices: 1 })).map((each) => ({ ...each, key: 'k' })),
    );
    await scene.deleteRecordsBefore(45n);
    await scene.load();
    const result = await scene.verifyTelemetry();
    expect(result).toMatchObject({ ok: true, missing: 0, extra: 0 });
    expect(result.log).toBeGreaterThan(0);
  });

  it('compares a time window, and rows received in it', async () => {
    const start = YESTERDAY + 6 * 3_600_000;
    const track = makeTrack({ points: 100, devices: 4 });
    const shuffled = track.map((point, index) => ({ point, receivedMs: start + (index ^ 5) * 1_000 }));
    await append(
      scene.broker,
      topic,
      shuffled.map(({ point, receivedMs }) => ({ key: 'k', value: point, timestampMs: receivedMs })),
    );
    await scene.load();
    const window = {
      from: { kind: 'time', timestampMs: start + 20_000 },
      to: { kind: 'time', timestampMs: start + 61_000 },
    } as const;
    expect(await scene.verifyTelemetry(window)).toMatchObject({
      ok: true,
      log: 41,
      rows: 41,
      missing: 0,
      extra: 0,
    });
    const inside = shuffled.find(({ receivedMs }) => receivedMs === start + 60_000)!.point;
    const outside = shuffled.find(({ receivedMs }) => receivedMs === start + 61_000)!.point;
    await scene.insertRow(`'${new Date(start + 20_000).toISOString()}'`);
    await scene.insertRow(`'${new Date(start + 61_000).toISOString()}'`);
    for (const point of [inside, outside]) await scene.deleteRow(point);
    expect(await scene.verifyTelemetry(window)).toMatchObject({
      ok: false,
      rows: 40,
      missing: 1,
      extra: 1,
      firstMissing: [{ id: inside.telemetry_id }],
    });
  });

  it('compares a range of offsets of one partition, without extra rows', async () => {
    const track = makeTrack({ points: 100, devices: 1 });
    await append(scene.broker, topic, toRecords(track));
    await scene.load();
    await scene.deleteRow(track[50]!);
    const [busy] = await scene.database.query<{ partition: number }>(
      `SELECT partition FROM ride.log_positions WHERE topic = $1 AND next_offset = 100`,
      [topic],
    );
    const range = (from: bigint, to: bigint) =>
      scene.verifyTelemetry({
        partition: busy!.partition,
        from: { kind: 'offset', offset: from },
        to: { kind: 'offset', offset: to },
      });
    expect(await range(10n, 50n)).toMatchObject({ ok: true, log: 40, extra: null });
    expect(await range(50n, 1_000n)).toMatchObject({ ok: false, log: 50, missing: 1, extra: null });
  });

  it('compares one state of the database while loads are running', async () => {
    const track = makeTrack({ points: 6_000, devices: 50 });
    await append(scene.broker, topic, toRecords(track.slice(0, 3_000)));
    await scene.load(200);
    await append(scene.broker, topic, [
      ...toRecords(track.slice(3_000)),
      ...Array.from({ length: 20 }, () => ({ key: randomUUID(), value: Buffer.from('not JSON') })),
    ]);
    let isLoading = true;
    const loading = scene.load(50).finally(() => (isLoading = false));
    const counts: number[] = [];
    while (isLoading) {
      const result = await scene.verifyTelemetry();
      expect(result).toMatchObject({ ok: true, missing: 0, extra: 0, ahead: 0 });
      counts.push(result.log);
    }
    await loading;
    expect(counts.length).toBeGreaterThan(0);
    expect(await scene.verifyTelemetry()).toMatchObject({ ok: true, log: 6_020, rows: 6_000, rejects: 20 });
  });
});
