import { randomBytes } from 'node:crypto';
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { startVersityGateway, type RunningGateway } from '@hailstream/tools/versitygw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService } from '../_service.js';
import { appendPoints, MORNING, run, s3Job, verify } from '../_util.js';
import { FaultyProxy } from './_faulty-proxy.js';

const PART_BYTES = 5 * 1_048_576;
/** Those that the router's tests have in their environment. */
const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' };

let gateway: RunningGateway;
let client: S3Client;
beforeAll(async () => {
  gateway = await startVersityGateway(credentials);
  const { endpoint } = gateway;
  client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
});
afterAll(async () => {
  client.destroy();
  await gateway[Symbol.asyncDispose]();
});

const points = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ timeMs: MORNING + index * 100 }));

async function createBucket(bucket: string) {
  await gateway.createBucket(bucket);
  return { endpoint: gateway.endpoint, bucket };
}

/** Key, version and time of each object. */
async function objectsIn(bucket: string): Promise<string[]> {
  const { Contents: contents = [], IsTruncated: isTruncated } = await client.send(
    new ListObjectsV2Command({ Bucket: bucket }),
  );
  expect(isTruncated).toBe(false);
  return contents.map(({ Key, ETag, LastModified }) => `${Key} ${ETag} ${LastModified?.toISOString()}`);
}

async function openUploads(bucket: string): Promise<number> {
  const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return uploads.length;
}

describe('versitygw', () => {
  it('has every record once after it was killed during the delivery, and a replay changes nothing', async () => {
    await using broker = await startTestBroker();
    const bucket = await createBucket('killed');
    await appendPoints(broker, points(20_000));
    const job = (name: string) => s3Job(bucket, { name, batching: { records: 500 } });
    const running = run(broker, [job('lake')]);
    await until(async () => (await objectsIn(bucket.bucket)).length > 10);
    await gateway.stop('SIGKILL');
    await gateway.restart();
    expect((await running).jobs['lake']).toMatchObject({ delivered: 20_000 });
    const complete = { records: 20_000, missing: 0, overlapping: 0, pending: 0, problems: [] };
    expect(await verify(broker, [job('lake')])).toMatchObject({ ok: true, jobs: { lake: complete } });
    const objects = await objectsIn(bucket.bucket);
    expect((await run(broker, [job('again')])).jobs['again']).toMatchObject({ delivered: 20_000 });
    expect(await objectsIn(bucket.bucket)).toEqual(objects);
  });

  it('stores large objects in parts, and has no open upload after parts failed', async () => {
    await using broker = await startTestBroker();
    const bucket = await createBucket('parts');
    await using proxy = await FaultyProxy.start(gateway.endpoint);
    const deviceId = '0197a1c5-0000-7000-8000-000000000001';
    const values = Array.from({ length: 12 }, (_, index) => {
      const data = randomBytes(600_000).toString('base64');
      return { deviceId, value: Buffer.from(JSON.stringify({ timestamp: MORNING + index, data })) };
    });
    await appendPoints(broker, values);
    let failedParts = 0;
    proxy.fails = ({ url = '' }) => {
      if (!url.includes('partNumber=2')) return false;
      failedParts += 1;
      return failedParts <= 6;
    };
    const job = s3Job({ ...bucket, endpoint: proxy.url }, { sink: { partBytes: PART_BYTES } });
    const running = run(broker, [job]);
    // The requests of one attempt have failed, and its upload is aborted.
    await until(() => failedParts > 3);
    await running;
    expect(failedParts).toBeGreaterThan(6);
    expect(await openUploads(bucket.bucket)).toBe(0);
    const [object] = (await objectsIn(bucket.bucket)).filter((each) => each.includes('.ndjson.gz'));
    // The entity tag of an object with two parts.
    expect(object).toMatch(/-2" /);
    expect((await verify(broker, [job])).ok).toBe(true);
  });

  it('aborts the upload of a part that fails until the run ends', async () => {
    await using broker = await startTestBroker();
    const bucket = await createBucket('aborted');
    await using proxy = await FaultyProxy.start(gateway.endpoint);
    const data = randomBytes(6_000_000).toString('base64');
    const chunks = Array.from({ length: 10 }, (_, index) => ({
      deviceId: '0197a1c5-0000-7000-8000-000000000001',
      value: Buffer.from(
        JSON.stringify({ timestamp: MORNING, data: data.slice(index * 800_000, (index + 1) * 800_000) }),
      ),
    }));
    await appendPoints(broker, chunks);
    let failedParts = 0;
    proxy.fails = ({ url = '' }) => {
      if (!url.includes('partNumber=2')) return false;
      failedParts += 1;
      return true;
    };
    const job = s3Job({ ...bucket, endpoint: proxy.url }, { sink: { partBytes: PART_BYTES } });
    const stop = new AbortController();
    const running = run(broker, [job], { signal: stop.signal });
    await until(() => failedParts >= 3);
    stop.abort();
    await running;
    expect(await openUploads(bucket.bucket)).toBe(0);
    expect((await objectsIn(bucket.bucket)).filter((each) => each.includes('.ndjson.gz'))).toEqual([]);
  });

  it('denies wrong credentials, which GET /jobs reports', async () => {
    await using broker = await startTestBroker();
    await appendPoints(broker, points(10));
    await using stranger = await startVersityGateway({ ...credentials, secretAccessKey: 'another' });
    await stranger.createBucket('ride');
    const job = s3Job({ endpoint: stranger.endpoint, bucket: 'ride' }, { batching: { intervalSeconds: 1 } });
    await using service = await startService(broker, [job]);
    await until(async () => (await service.job('lake')).state === 'failing');
    const { failure } = await service.job('lake');
    expect(failure).toMatchObject({
      code: 'ACCESS_DENIED',
      reason: expect.stringContaining('check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'),
    });
    expect(failure?.reason).not.toContain(credentials.secretAccessKey);
    await until(async () => (await fetch(`${service.url}/health/ready`)).status === 200);
  });

  it('reports a missing bucket on GET /jobs, and delivers once it exists', async () => {
    await using broker = await startTestBroker();
    await appendPoints(broker, points(10));
    const missing = { endpoint: gateway.endpoint, bucket: 'created-later' };
    await using service = await startService(broker, [s3Job(missing, { batching: { intervalSeconds: 1 } })]);
    await until(async () => (await service.job('lake')).state === 'failing');
    expect((await service.job('lake')).failure).toMatchObject({
      code: 'MISCONFIGURED',
      reason: 'bucket "created-later" does not exist',
    });
    await gateway.createBucket(missing.bucket);
    await until(async () => (await service.job('lake')).counts.delivered === 10);
    expect(await service.job('lake')).toMatchObject({ state: 'running', failure: null });
  });
});
