import { telemetryFamily } from '@hailstream/events';
import { appendTransaction, deleteTopic, startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it, vi } from 'vitest';
import { groupOf } from '../src/jobs/open-delivery.js';
import { Job } from '../src/jobs/job.js';
import { BLOCKED_AFTER_MS, BLOCKED_FAILURES } from '../src/jobs/job-progress.js';
import type { JobSpec } from '../src/router-file/router-file.js';
import type { Delivery } from '../src/sinks/delivery.js';
import { membersOf } from './_kafkajs.js';
import { TestOpenSearchServer } from './_opensearch-server.js';
import { startService } from './_service.js';
import { TestS3Server } from './_s3-server.js';
import { appendPoints, s3Job, searchJob, silent, TELEMETRY } from './_util.js';

describe('the service', () => {
  it('delivers one job while the bucket of another is missing', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(
      broker,
      Array.from({ length: 500 }, (_, index) => ({ timeMs: Date.now() - 3_600_000 + index })),
    );
    const batching = { records: 10, intervalSeconds: 1 };
    const healthy = s3Job(s3, { name: 'healthy', batching });
    const broken = s3Job(s3, { name: 'broken', batching, sink: { bucket: 'missing' } });
    await using service = await startService(broker, [healthy, broken]);
    await until(async () => (await service.job('healthy')).counts.delivered === 500);
    expect(await service.job('healthy')).toMatchObject({ state: 'running', partitions: 12, lagRecords: '0' });
    const { state, failure } = await service.job('broken');
    expect({ state, failure }).toMatchObject({
      state: 'failing',
      failure: { code: 'MISCONFIGURED', reason: 'bucket "missing" does not exist' },
    });
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('router_records_total{job="healthy",result="delivered"} 500');
    expect(metrics).toContain('router_job_failing{job="broken"} 1');
  });

  it('reports wrong credentials of a search cluster, and delivers once they are accepted', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    search.credentials = 'router:another';
    await appendPoints(broker, [{}]);
    await using service = await startService(broker, [searchJob(search)]);
    await until(async () => (await service.job('search')).state === 'failing');
    expect((await service.job('search')).failure?.code).toBe('ACCESS_DENIED');
    const { failure } = await until(async () => {
      const job = await service.job('search');
      return (job.failure?.failures ?? 0) >= BLOCKED_FAILURES && job;
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + BLOCKED_AFTER_MS });
    const blocked = await fetch(`${service.url}/health/ready`);
    vi.useRealTimers();
    expect(blocked.status).toBe(503);
    expect(await blocked.json()).toMatchObject({
      checks: {
        log: { status: 'ok' },
        jobs: { reason: expect.stringContaining('job "search"') as string, since: failure!.since },
      },
    });
    search.credentials = 'router:secret';
    await until(async () => (await service.job('search')).counts.delivered === 1);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    expect(search.documents.size).toBe(1);
  });

  it.each([
    { concurrency: 1, members: 1 },
    { concurrency: 2, members: 2 },
    { concurrency: 4, members: 2 },
  ])(
    'reads with $members members of its group if $concurrency batches may be delivered at once',
    async (each) => {
      await using broker = await startTestBroker();
      await using search = await TestOpenSearchServer.start();
      await appendPoints(broker, [{}]);
      const job = searchJob(search, { concurrency: each.concurrency });
      await using service = await startService(broker, [job]);
      await until(async () => (await service.job('search')).counts.delivered === 1);
      await until(async () => (await membersOf(broker, groupOf(job))) === each.members);
      await until(async () => (await service.job('search')).partitions === 13);
    },
  );

  it('pauses and resumes a job on request of an operator', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(broker, []);
    await using service = await startService(broker, [s3Job(s3, { batching: { records: 1 } })]);
    await until(async () => (await service.job('lake')).state === 'running');
    expect((await service.request('POST', '/jobs/lake/pause', 'read')).status).toBe(401);
    expect((await service.request('POST', '/jobs/lake/pause', 'write')).status).toBe(401);
    for (const [method, path] of [
      ['GET', '/jobs'],
      ['POST', '/jobs/lake/pause'],
    ] as const) {
      expect((await service.request(method, path, 'read operate of one provider')).status).toBe(403);
    }
    expect((await service.request('POST', '/jobs/other/pause', 'operate')).status).toBe(404);
    expect(await (await service.request('POST', '/jobs/lake/pause', 'operate')).json()).toMatchObject({
      state: 'paused',
    });
    await appendPoints(broker, [{}, {}, {}]);
    await until(async () => (await service.job('lake')).lagRecords === '3', { timeoutMs: 15_000 });
    expect(s3.objects.size).toBe(0);
    expect((await service.request('POST', '/jobs/lake/resume', 'operate')).status).toBe(200);
    await until(async () => (await service.job('lake')).counts.delivered === 3);
  });

  it('stops with the reason if the topic is deleted and created again while it runs', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    const deviceId = '0197a1c5-0000-7000-8000-000000000001';
    await appendPoints(broker, [{ deviceId }, { deviceId }, { deviceId }]);
    await using service = await startService(broker, [s3Job(s3, { batching: { records: 1 } })]);
    await until(async () => (await service.job('lake')).counts.delivered === 3);
    const objects = [...s3.objects.keys()];
    await deleteTopic(broker, TELEMETRY);
    // More records than before: the new topic has the position of the old one.
    await appendPoints(
      broker,
      Array.from({ length: 10 }, () => ({ deviceId })),
    );
    await until(async () => (await service.job('lake')).failure?.code === 'ANOTHER_LOG');
    expect([...s3.objects.keys()]).toEqual(objects);
  });

  it('does not end a block at the end of the log while it has no records', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(broker, []);
    // Offset 0 is an aborted record, and offset 1 the end of its transaction.
    await appendTransaction(broker, { topic: TELEMETRY, values: ['{}'], outcome: 'abort' });
    await using service = await startService(broker, [s3Job(s3, { batching: { records: 3 } })]);
    await until(() => s3.requests.some(({ key }) => /partition=0+\/0+\.json$/.test(key)));
    const values = [JSON.stringify(telemetryFamily.example)];
    await appendTransaction(broker, { topic: TELEMETRY, values, outcome: 'commit' });
    await until(async () => (await service.job('lake')).counts.delivered === 1);
    const blocks = [...s3.objects].filter(([key]) => key.includes('/partition='));
    expect(blocks.map(([, { bytes }]) => JSON.parse(String(bytes)) as unknown)).toMatchObject([
      { from: '0', to: '3', read: 1 },
    ]);
  });

  it('restarts a delivery after its consumer has stopped', async () => {
    const starts: string[] = [];
    const fail: ((reason: Error) => void)[] = [];
    const delivery = (): Delivery => ({
      start: () => Promise.resolve(void starts.push('start')),
      ended: new Promise((_, reject) => void fail.push(reject)),
      pause: () => undefined,
      resume: () => undefined,
      lagRecords: () => 0n,
      assignedPartitions: 0,
      [Symbol.asyncDispose]: () => Promise.resolve(void starts.push('dispose')),
    });
    const listener = { counted: () => undefined, failed: () => undefined, gap: () => undefined };
    const job = new Job(
      { name: 'job', topics: [], sink: { type: 's3' } } as unknown as JobSpec,
      delivery,
      listener,
      silent,
    );
    job.start();
    await until(() => job.status.state === 'running');
    fail[0]!(new Error('no retry can succeed'));
    await until(() => job.status.state === 'failing');
    expect(job.status.failure?.reason).toBe('no retry can succeed');
    await until(() => job.status.state === 'running');
    await job.stop();
    expect(starts).toEqual(['start', 'dispose', 'start', 'dispose']);
  });
});
