import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseRouterFile } from '../src/router-file/router-file.js';
import { TestS3Server } from './_s3-server.js';
import { startService } from './_service.js';
import { sinks, type TestSink } from './_sinks.js';
import { appendPoints, deadLettersOf, HOUR_MS, MORNING, point, run, s3Job, verify } from './_util.js';
import { startReceiver, WEBHOOK_SECRET } from './_webhook-receiver.js';

const credentials = { webhookSecret: WEBHOOK_SECRET };
const kinds = Object.entries(sinks);
/** More than the failures after which a sink counts as down: checks have failed, or batches that were delivered again. */
const FAILURES = 6;

/** Telemetry points of many devices, received two hours ago. */
function pointsOf(ids: readonly string[]) {
  const receivedMs = Date.now() - 2 * HOUR_MS;
  return ids.map((id) => {
    const deviceId = randomUUID();
    const value = Buffer.from(JSON.stringify({ ...point(deviceId, receivedMs), telemetry_id: id }));
    return { deviceId, receivedMs, value };
  });
}

function newIds(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID());
}

async function storedIds(sink: TestSink): Promise<string[]> {
  const events = (await sink.stored()) as { readonly telemetry_id: string }[];
  return events.map(({ telemetry_id: id }) => id).toSorted();
}

const unreadable = [
  Buffer.from('not JSON'),
  Buffer.from([0x7b, 0xff, 0x7d]),
  Buffer.from('[1]'),
  Buffer.from(`{"timestamp":${MORNING},"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`),
  null,
];
/** Events that lack what some sinks need: their time, or the ids that identify them. */
const incomplete = ['{}', '{"timestamp":"yesterday"}', `{"timestamp":${MORNING}}`];

describe.each(kinds)('%s', (kind, openSink) => {
  it('reports failures with their codes, and delivers each event once after them', async () => {
    await using broker = await startTestBroker();
    await using sink = await openSink();
    const ids = newIds(30);
    await appendPoints(broker, pointsOf(ids));
    await using service = await startService(broker, [sink.job]);
    const job = () => service.job('job');
    await until(async () => (await job()).counts.delivered === ids.length);
    for (const [name, { code, begin }] of Object.entries(sink.failures)) {
      await begin();
      const more = newIds(60);
      ids.push(...more);
      await appendPoints(broker, pointsOf(more));
      await until(async () => ((await job()).failure?.failures ?? 0) >= FAILURES, { timeoutMs: 60_000 });
      const { state, failure, partitions } = await job();
      expect({ name, state, code: failure?.code, partitions }).toEqual({
        name,
        state: 'failing',
        code,
        partitions: kind === 's3' ? 12 : 13,
      });
      expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
      await sink.repair();
      await until(async () => (await job()).counts.delivered === ids.length, { timeoutMs: 60_000 });
      await until(async () => (await job()).failure === null);
    }
    expect(await storedIds(sink)).toEqual(ids.toSorted());
    expect(await deadLettersOf(broker)).toEqual([]);
  }, 300_000);

  it('delivers each event once, and reports no failure, if the sink is slow', async () => {
    await using broker = await startTestBroker();
    await using sink = await openSink();
    const ids = newIds(100);
    await appendPoints(broker, pointsOf(ids));
    await using service = await startService(broker, [sink.job]);
    sink.slowDown(150);
    await until(async () => (await service.job('job')).counts.delivered === 100, { timeoutMs: 60_000 });
    expect(await storedIds(sink)).toEqual(ids.toSorted());
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).not.toContain('router_delivery_failures_total{');
  });

  it('delivers the events around records that cannot be delivered', async () => {
    await using broker = await startTestBroker();
    await using sink = await openSink();
    const ids = newIds(20);
    const values = [...unreadable, ...incomplete.map((text) => Buffer.from(text))];
    const points = pointsOf(ids);
    const poison = values.map((value) => ({ deviceId: 'device', receivedMs: MORNING, value }));
    await appendPoints(broker, [...points.slice(0, 10), ...poison, ...points.slice(10)]);
    const { jobs } = await run(broker, [sink.job], { credentials });
    const deadLettered = { s3: 7, opensearch: 8, kafka: 0, webhook: 5 }[kind];
    const delivered = 28 - deadLettered!;
    expect(jobs['job']).toEqual({ records: 28, delivered, filtered: 0, deadLettered });
    const letters = await deadLettersOf(broker);
    expect(letters).toHaveLength(deadLettered!);
    expect(letters.every(({ reason }) => reason !== '')).toBe(true);
    const stored = await sink.stored();
    expect(stored).toHaveLength(delivered);
    const isPoint = (value: unknown) =>
      typeof value === 'object' && value !== null && 'telemetry_id' in value;
    expect(stored.filter(isPoint)).toHaveLength(20);
  });

  it('delivers fields that this version does not know', async () => {
    await using broker = await startTestBroker();
    await using sink = await openSink();
    const added = { fuel: { kind: 'hydrogen', tanks: [1, 2] } };
    const event = { ...point('device', MORNING), ...added };
    await appendPoints(broker, [{ deviceId: 'device', value: Buffer.from(JSON.stringify(event)) }]);
    await run(broker, [sink.job], { credentials });
    expect(await sink.stored()).toEqual([expect.objectContaining(event)]);
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('a webhook that does not respond in time', () => {
  it('receives the batch again, under the same id', async () => {
    await using broker = await startTestBroker();
    const ids: unknown[] = [];
    await using receiver = await startReceiver(({ headers }, attempt) => {
      ids.push(headers['webhook-id']);
      // The signal of the timeout must not be collected before it aborts.
      collectGarbage();
      return attempt === 1 ? new Promise(() => undefined) : 200;
    });
    const text = `jobs: [{ name: job, topics: [ride.telemetry], sink: { type: webhook, url: '${receiver.url}', timeoutSeconds: 1 } }]`;
    await appendPoints(broker, pointsOf(newIds(1)));
    await run(broker, parseRouterFile(text, 'router.yaml'), { credentials });
    expect(ids).toEqual([ids[0], ids[0]]);
    expect(receiver.accepted).toHaveLength(1);
  });
});

describe('an object storage job on a machine with a wrong clock', () => {
  afterEach(() => vi.restoreAllMocks());

  function setClock(skewMs: number): void {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + skewMs);
  }

  it.each([-HOUR_MS, HOUR_MS])('writes the same objects if it is off by %d ms', async (skewMs) => {
    await using broker = await startTestBroker();
    await using expected = await TestS3Server.start();
    await using skewed = await TestS3Server.start();
    await appendPoints(
      broker,
      Array.from({ length: 400 }, (_, index) => ({ deviceId: 'device', timeMs: MORNING + index * 10_000 })),
    );
    const batching = { records: 50 };
    await run(broker, [s3Job(expected, { batching, name: 'expected' })]);
    setClock(skewMs);
    await run(broker, [s3Job(skewed, { batching, name: 'skewed' })]);
    expect(contents(skewed)).toEqual(contents(expected));
  });

  it('has each record once if the clock closes blocks before their interval ends', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    const job = s3Job(s3, { name: 'job' });
    setClock(HOUR_MS);
    await using service = await startService(broker, [job]);
    for (const delivered of [10, 20, 30]) {
      const now = Date.now() - HOUR_MS;
      await appendPoints(
        broker,
        Array.from({ length: 10 }, () => ({ deviceId: 'device', timeMs: now })),
      );
      await until(async () => (await service.job('job')).counts.delivered === delivered);
    }
    expect(await verify(broker, [job])).toMatchObject({
      ok: true,
      jobs: { job: { records: 30, missing: 0, overlapping: 0 } },
    });
  });
});

function contents(s3: TestS3Server): Record<string, string> {
  return Object.fromEntries([...s3.objects].map(([key, { bytes }]) => [key, bytes.toString('base64')]));
}
