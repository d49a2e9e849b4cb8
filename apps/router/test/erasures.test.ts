import { randomUUID } from 'node:crypto';
import { erasureTopic, telemetryFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { parseRouterFile, type JobSpec } from '../src/router-file/router-file.js';
import { appendTo, requestErasure } from './_erasures.js';
import { readCommitted } from './_kafkajs.js';
import { startService } from './_service.js';
import { appendPoints, connectionTo, deadLettersOf, run, silent, TELEMETRY } from './_util.js';
import { startReceiver, WEBHOOK_SECRET } from './_webhook-receiver.js';

const device = randomUUID();
const other = randomUUID();
const credentials = { webhookSecret: WEBHOOK_SECRET };

function jobOf(sink: object, settings: { name?: string; topics?: readonly string[]; filter?: string } = {}) {
  const job = { name: 'job', topics: [TELEMETRY], sink, ...settings };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

const mirrorTo = (target: TestBroker, topic = '{topic}'): JobSpec =>
  jobOf({ type: 'kafka', brokers: [target.address], topic });
const pointsOf = (...deviceIds: readonly string[]) => deviceIds.map((deviceId) => ({ deviceId }));

async function createTarget(target: TestBroker, configs: Record<string, string>): Promise<void> {
  await using admin = createAdmin({ connection: connectionTo(target), logger: silent });
  await admin.ensureTopics([{ ...telemetryFamily.topic, configs }]);
}

const read = async (broker: TestBroker, topic: string) =>
  (await readCommitted(broker, topic)).map(({ key, value }) => [key?.toString(), value?.toString() ?? null]);

describe('an erasure', () => {
  it('is copied to a second Kafka, and ends the copying of the events that it concerns', async () => {
    await using broker = await startTestBroker();
    await using target = await startTestBroker();
    await appendPoints(broker, pointsOf(device, other));
    await run(broker, [mirrorTo(target)]);
    await requestErasure(broker, 'device', device);
    await appendPoints(broker, pointsOf(device, other));
    expect((await run(broker, [mirrorTo(target)])).jobs['job']).toEqual({
      records: 3,
      delivered: 2,
      filtered: 1,
      deadLettered: 0,
    });
    const keys = (await read(target, TELEMETRY)).map(([key]) => key);
    expect(keys.toSorted()).toEqual([device, other, other].toSorted());
    const [[key, value] = []] = await read(target, erasureTopic.name);
    expect([key, JSON.parse(value ?? '')]).toEqual([
      device,
      expect.objectContaining({ kind: 'device', id: device }),
    ]);
  });

  it('is a tombstone in a compacted topic of a second Kafka whose keys are the ids', async () => {
    await using broker = await startTestBroker();
    await using target = await startTestBroker();
    await createTarget(target, { 'cleanup.policy': 'compact' });
    await appendPoints(broker, pointsOf(device, other));
    await run(broker, [mirrorTo(target)]);
    await requestErasure(broker, 'device', device);
    await requestErasure(broker, 'rider', other);
    await run(broker, [mirrorTo(target)]);
    const newest = new Map(
      (await readCommitted(target, TELEMETRY)).map(({ key, value }) => [String(key), value]),
    );
    expect(newest.get(device)).toBeNull();
    expect(newest.get(other)).not.toBeNull();
  });

  it('is not copied to the cluster that it is from', async () => {
    await using broker = await startTestBroker();
    await appendPoints(broker, pointsOf(device));
    await requestErasure(broker, 'device', device);
    expect((await run(broker, [mirrorTo(broker, 'copies')])).jobs['job']).toMatchObject({ filtered: 1 });
    expect(await read(broker, 'copies')).toEqual([]);
    expect(await read(broker, erasureTopic.name)).toHaveLength(1);
  });

  it('is delivered to a webhook despite its filter, and none of the events before it if it is not delivered yet', async () => {
    await using broker = await startTestBroker();
    await using receiver = await startReceiver();
    await appendPoints(broker, pointsOf(device, other, device));
    await requestErasure(broker, 'device', device.toLowerCase());
    const job = jobOf({ type: 'webhook', url: receiver.url }, { filter: `device_id != '${randomUUID()}'` });
    const { jobs } = await run(broker, [job], { credentials });
    expect(jobs['job']).toEqual({ records: 4, delivered: 2, filtered: 2, deadLettered: 0 });
    const ids = receiver.accepted.flatMap(({ events }) => events.map(({ device_id: id }) => id));
    expect(ids.filter((id) => id !== undefined)).toEqual([other]);
    expect(
      receiver.accepted.filter(({ text }) => text.includes(`"topic":"${erasureTopic.name}"`)),
    ).toHaveLength(1);
  });

  it('is honoured by a running job', async () => {
    await using broker = await startTestBroker();
    await using receiver = await startReceiver();
    await appendPoints(broker, pointsOf(device));
    await using service = await startService(broker, [jobOf({ type: 'webhook', url: receiver.url })]);
    await until(() => receiver.accepted.length === 1);
    await requestErasure(broker, 'device', device);
    await until(() => receiver.accepted.length === 2);
    await appendPoints(broker, pointsOf(device, other));
    await until(async () => (await service.job('job')).counts.records === 4);
    expect((await service.job('job')).counts).toMatchObject({ delivered: 3, filtered: 1 });
    expect(receiver.accepted.slice(2).flatMap(({ events }) => events.map(({ device_id: id }) => id))).toEqual(
      [other],
    );
  });

  it('is a dead letter of each job if it cannot be read', async () => {
    await using broker = await startTestBroker();
    await using receiver = await startReceiver();
    const bad = Buffer.from('{"kind":"vehicle"}');
    await appendTo(broker, erasureTopic.name, [{ key: 'bad', value: bad }]);
    await requestErasure(broker, 'device', device);
    const jobs = ['one', 'two'].map((name) => jobOf({ type: 'webhook', url: receiver.url }, { name }));
    expect((await run(broker, jobs, { credentials })).jobs['one']).toMatchObject({
      delivered: 1,
      deadLettered: 1,
    });
    const letters = await deadLettersOf(broker);
    expect(letters.map(({ value }) => value)).toEqual([String(bad), String(bad)]);
    expect(letters[0]!.reason).toMatch(/id: is required/);
  });

  it('does not concern jobs without events of riders or devices', async () => {
    await using broker = await startTestBroker();
    await using receiver = await startReceiver();
    await requestErasure(broker, 'device', device);
    const job = jobOf({ type: 'webhook', url: receiver.url }, { topics: ['ride.alerts'] });
    expect((await run(broker, [job], { credentials })).jobs['job']).toMatchObject({ records: 0 });
  });
});
