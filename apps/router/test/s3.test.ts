import { gunzipSync } from 'node:zlib';
import { startTestBroker } from '@hailstream/log/testing';
import { describe, expect, it } from 'vitest';
import { TestS3Server } from './_s3-server.js';
import { appendPoints, type FailedRunError, HOUR_MS, MORNING, run, s3Job, verify } from './_util.js';

const devices = Array.from(
  { length: 40 },
  (_, index) => `0197a1c5-0000-7000-8000-${String(index).padStart(12, '0')}`,
);

/** Points of all devices, `count` of them, a second apart. */
function points(count: number, startMs = MORNING) {
  return Array.from({ length: count }, (_, index) => ({
    deviceId: devices[index % devices.length]!,
    timeMs: startMs + index * 1_000,
  }));
}

function lines(s3: TestS3Server): Record<string, unknown>[] {
  return [...s3.objects]
    .filter(([key]) => key.endsWith('.ndjson.gz'))
    .flatMap(([, { bytes }]) => gunzipSync(bytes).toString('utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('object storage', () => {
  it('stores each record once in hourly objects, and proves it by manifests', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(broker, points(10_000));
    const job = s3Job(s3, { batching: { records: 300 } });
    const result = await run(broker, [job]);
    expect(result.jobs).toEqual({
      lake: { records: 10_000, delivered: 10_000, filtered: 0, deadLettered: 0 },
    });
    const stored = lines(s3);
    expect(stored).toHaveLength(10_000);
    expect(new Set(stored.map(({ telemetry_id: id }) => id)).size).toBe(10_000);
    expect(new Set(stored.map(({ _partition, _offset }) => `${_partition}/${_offset}`)).size).toBe(10_000);
    const hours = new Set(
      [...s3.objects.keys()].flatMap((key) => /topic=[^/]+\/date=[^/]+\/hour=\d\d/.exec(key) ?? []),
    );
    expect([...hours].toSorted()).toEqual(
      ['08', '09', '10'].map((hour) => `topic=ride.telemetry/date=2026-03-01/hour=${hour}`),
    );
    expect(await verify(broker, [job])).toMatchObject({
      ok: true,
      jobs: { lake: { records: 10_000, missing: 0, overlapping: 0, pending: 0, problems: [] } },
    });
  });

  it('stores the same bytes despite interruptions and failed requests', async () => {
    await using broker = await startTestBroker();
    await using undisturbed = await TestS3Server.start();
    await using disturbed = await TestS3Server.start();
    await appendPoints(broker, points(2_400));
    const batching = { records: 100 };
    await run(broker, [s3Job(undisturbed, { batching, name: 'undisturbed' })]);
    let requests = 0;
    disturbed.fault = () => {
      requests += 1;
      if (requests % 17 === 0) return 'reset-after';
      if (requests % 23 === 0) return 'reset-before';
      return requests % 29 === 0 ? { status: 503, code: 'SlowDown' } : undefined;
    };
    const job = s3Job(disturbed, { batching, name: 'disturbed' });
    for (let interruption = 0; interruption < 3; interruption += 1) {
      const stop = new AbortController();
      const target = requests + 30;
      const fault = disturbed.fault;
      disturbed.fault = (request) => {
        if (requests >= target) stop.abort();
        return fault(request);
      };
      await run(broker, [job], { signal: stop.signal });
    }
    await run(broker, [job]);
    expect([...disturbed.objects.keys()].toSorted()).toEqual([...undisturbed.objects.keys()].toSorted());
    for (const [key, { bytes }] of undisturbed.objects) {
      expect(disturbed.objects.get(key)!.bytes.equals(bytes), key).toBe(true);
    }
    expect((await verify(broker, [job])).ok).toBe(true);
  });

  it('retries an object that was not stored because another request for it was in progress', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(broker, points(1));
    let conflicts = 0;
    s3.fault = ({ method, key }) => {
      if (method !== 'PUT' || !key.endsWith('.ndjson.gz') || conflicts > 0) return undefined;
      conflicts += 1;
      return { status: 409, code: 'ConditionalRequestConflict' };
    };
    const job = s3Job(s3);
    await run(broker, [job]);
    expect(conflicts).toBe(1);
    expect(lines(s3)).toHaveLength(1);
  });

  it('stores late records of many hours in one object', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    const deviceId = devices[0]!;
    const onTime = Array.from({ length: 900 }, (_, index) => ({ deviceId, timeMs: MORNING + index }));
    const late = Array.from({ length: 48 }, (_, index) => ({
      deviceId,
      timeMs: MORNING - (index + 1) * HOUR_MS,
      receivedMs: MORNING,
    }));
    await appendPoints(broker, [...onTime, ...late]);
    const job = s3Job(s3);
    await run(broker, [job]);
    const objects = [...s3.objects.keys()].filter((key) => key.endsWith('.ndjson.gz'));
    expect(objects.filter((key) => key.startsWith('lake/late/'))).toHaveLength(1);
    expect(objects.length).toBeLessThanOrEqual(3);
    const manifest = s3.objects.get('lake/topic=ride.telemetry/date=2026-02-28/hour=20/_manifest.json');
    expect(JSON.parse(manifest!.bytes.toString('utf8'))).toMatchObject({ records: 1 });
    expect((await verify(broker, [job])).ok).toBe(true);
  });

  it('stores the same records in Parquet files', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(broker, [...points(1_000), { value: Buffer.from('not JSON') }]);
    const job = s3Job(s3, { sink: { format: 'parquet' }, batching: { records: 50 } });
    const { jobs } = await run(broker, [job]);
    expect(jobs['lake']).toMatchObject({ delivered: 1_000, deadLettered: 1 });
    expect([...s3.objects.keys()].some((key) => key.endsWith('.parquet'))).toBe(true);
    expect(await verify(broker, [job])).toMatchObject({
      ok: true,
      jobs: { lake: { records: 1_000, missing: 0 } },
    });
  });

  it('refuses to continue a block that was claimed with other settings', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    const deviceId = devices[0]!;
    await appendPoints(broker, [{ deviceId, receivedMs: MORNING + HOUR_MS }]);
    const stop = new AbortController();
    // The claim is written, the object is not.
    s3.fault = ({ method, key }) => {
      if (method !== 'PUT' || !key.endsWith('.ndjson.gz')) return undefined;
      stop.abort();
      return 'reset-before';
    };
    await run(broker, [s3Job(s3)], { signal: stop.signal });
    expect([...s3.objects.keys()]).toEqual([
      'lake/_blocks/topic=ride.telemetry/log.json',
      expect.stringContaining('lake/_blocks/topic=ride.telemetry/partition='),
    ]);
    s3.fault = () => undefined;
    const changed = s3Job(s3, { sink: { partitionBy: 'received-time' } });
    await expect(run(broker, [changed])).rejects.toThrow(
      'was claimed by a router with another filter, format or partitionBy',
    );
    expect(s3.objects.size).toBe(2);
    await run(broker, [s3Job(s3)]);
    expect((await verify(broker, [s3Job(s3)])).ok).toBe(true);
  });

  it('delivers the other jobs if one job of a run fails', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendPoints(broker, points(2_000));
    const broken = s3Job(s3, { name: 'broken', sink: { bucket: 'missing' } });
    const failure = await run(broker, [broken, s3Job(s3)]).catch((error: unknown) => error);
    expect((failure as FailedRunError).result).toMatchObject({
      jobs: { lake: { delivered: 2_000 } },
      failed: { broken: 'bucket "missing" does not exist' },
    });
  });
});
