import { createHash, randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { riderEventFamily, telemetryFamily, tripFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { eraseAll, type EraseResult } from '../src/commands/erase-all.js';
import type { JobSpec } from '../src/router-file/router-file.js';
import { parseRouterFile } from '../src/router-file/router-file.js';
import { appendTo, requestErasure } from './_erasures.js';
import { TestS3Server } from './_s3-server.js';
import { connectionTo, HOUR_MS, MORNING, point, run, s3Job, silent, TELEMETRY, verify } from './_util.js';

const device = randomUUID();
const rider = randomUUID();
const other = randomUUID();
const place = { lat: 43.734712, lng: 7.420634 };
const FORMATS = ['ndjson.gz', 'parquet'] as const;
type Format = (typeof FORMATS)[number];

function lake(s3: TestS3Server, format: Format, name = 'lake'): JobSpec {
  const topics = [telemetryFamily, riderEventFamily, tripFamily].map(({ topic }) => topic.name);
  const sink = {
    type: 's3',
    endpoint: s3.endpoint,
    bucket: s3.bucket,
    forcePathStyle: true,
    prefix: 'lake/',
    format,
  };
  const job = { name, topics, sink, batching: { records: 100 } };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

async function erase(broker: TestBroker, job: JobSpec, isDryRun = false): Promise<EraseResult> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  const signal = new AbortController().signal;
  return await eraseAll({
    connection,
    jobs: [job],
    admin,
    logger: silent,
    isDryRun,
    signal,
    onProgress: () => undefined,
  });
}

const tripOf = (deviceId: string) => ({
  ...tripFamily.example,
  device_id: deviceId,
  trip_id: randomUUID(),
  start_location: place,
  unknown_field: 'kept',
});
const ridden = tripOf(other);
const driven = [tripOf(device), tripOf(device)];

async function appendDay(broker: TestBroker): Promise<void> {
  // The third hour has records of the device only.
  const points = [device, other].flatMap((deviceId) =>
    Array.from({ length: 120 }, (_, index) => point(deviceId, MORNING + (index % 2) * HOUR_MS + index)),
  );
  const alone = Array.from({ length: 5 }, (_, index) => point(device, MORNING + 2 * HOUR_MS + index));
  const hidden: Record<string, unknown> = {
    ...point(other, MORNING),
    note: `replaces ${device.toUpperCase()}`,
  };
  const telemetry = [...points, ...alone, hidden].map((value) => ({
    key: value['device_id'] as string,
    value,
  }));
  await appendTo(broker, TELEMETRY, telemetry);
  const request = { ...riderEventFamily.example, rider_id: rider, trip_id: ridden.trip_id };
  const requests = [request, { ...request, event_id: randomUUID(), rider_id: other, trip_id: randomUUID() }];
  await appendTo(
    broker,
    riderEventFamily.topic.name,
    requests.map((value) => ({ key: 'k', value })),
  );
  await appendTo(
    broker,
    tripFamily.topic.name,
    [...driven, ridden].map((value) => ({ key: 'k', value })),
  );
}

/** The contents of all objects, each as text: lines, or the rows of a Parquet file as JSON. Other bytes as they are. */
async function texts(s3: TestS3Server): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const [key, { bytes }] of s3.objects) {
    if (key.endsWith('.gz')) all.set(key, gunzipSync(bytes).toString('utf8'));
    else if (key.endsWith('.parquet')) {
      const file = Uint8Array.from(bytes).buffer;
      const compressors = {
        ZSTD: (input: Uint8Array, length: number) => decompress(input, new Uint8Array(length)),
      };
      const rows = await parquetReadObjects({ file, compressors });
      const lines = rows.map((row) =>
        JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      );
      all.set(key, lines.join('\n'));
    } else all.set(key, bytes.toString('latin1'));
  }
  return all;
}

/** Objects that have an id: as text, in hexadecimal without hyphens, or as its 16 bytes; also in what is compressed. */
async function objectsWith(s3: TestS3Server, id: string): Promise<string[]> {
  const hex = id.replaceAll('-', '');
  const found: string[] = [];
  for (const [key, text] of await texts(s3)) {
    const raw = s3.objects.get(key)!.bytes;
    const isFound =
      [id, hex].some(
        (form) => text.toLowerCase().includes(form) || raw.toString('latin1').toLowerCase().includes(form),
      ) || raw.includes(Buffer.from(hex, 'hex'));
    if (isFound) found.push(key);
  }
  return found;
}

const digests = (s3: TestS3Server) =>
  new Map([...s3.objects].map(([key, { bytes }]) => [key, createHash('sha256').update(bytes).digest('hex')]));

describe.each(FORMATS)('an erasure in objects of %s', (format) => {
  it('leaves nothing of a device, its trips without the id, and the manifests true', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendDay(broker);
    const job = lake(s3, format);
    await run(broker, [job]);
    expect((await objectsWith(s3, device)).length).toBeGreaterThan(3);
    await requestErasure(broker, 'device', device);
    const before = digests(s3);
    const planned = await erase(broker, job, true);
    expect(digests(s3)).toEqual(before);
    const result = await erase(broker, job);
    expect(result).toEqual({ ...planned, dryRun: false });
    expect(result).toMatchObject({
      ids: 1,
      jobs: { lake: { removed: 126, pseudonymised: 2, pendingBlocks: 0 } },
    });
    expect(await objectsWith(s3, device)).toEqual([]);
    expect(await verify(broker, [job])).toMatchObject({
      ok: true,
      jobs: { lake: { records: 125, erased: 126, missing: 0, overlapping: 0, problems: [] } },
    });
    expect([...s3.objects.keys()].filter((key) => key.includes('_rewrites'))).toEqual([]);
    const trips = [...(await texts(s3))].filter(
      ([key]) => key.includes('topic=ride.trips') && !key.endsWith('.json'),
    );
    const text = trips.map(([, each]) => each).join('\n');
    for (const { trip_id: id } of [...driven, ridden]) expect(text).toContain(id);
    expect(text.match(/lat":43\.734712/g)).toHaveLength(1);
    expect(text.match(/"kept"/g) ?? text.match(/kept/g)).toHaveLength(3);
    // What has nothing to erase was not changed, and a repeated command changes nothing.
    const after = digests(s3);
    expect((await erase(broker, job)).jobs['lake']).toMatchObject({ rewritten: 0 });
    expect(digests(s3)).toEqual(after);
  });

  it('removes the events of a rider, and makes the places of the trip coarse', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendDay(broker);
    const job = lake(s3, format);
    await run(broker, [job]);
    await requestErasure(broker, 'rider', rider);
    expect((await erase(broker, job)).jobs['lake']).toMatchObject({ removed: 1, pseudonymised: 1 });
    expect(await objectsWith(s3, rider)).toEqual([]);
    expect((await verify(broker, [job])).ok).toBe(true);
    const trips = [...(await texts(s3))].filter(
      ([key]) => key.includes('topic=ride.trips') && !key.endsWith('.json'),
    );
    expect(
      trips
        .map(([, text]) => text)
        .join('\n')
        .match(/lat":43\.734712/g),
    ).toHaveLength(2);
  });

  it('is completed by the next command after a crash at any request', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendDay(broker);
    const job = lake(s3, format);
    await run(broker, [job]);
    await requestErasure(broker, 'rider', rider);
    await requestErasure(broker, 'device', device);
    const original = new Map(s3.objects);
    const isWrite = (method: string): boolean => method === 'PUT' || method === 'DELETE';
    let writes = 0;
    s3.fault = ({ method }) => void (isWrite(method) && (writes += 1));
    await erase(broker, job);
    const expected = digests(s3);
    for (let crash = 1; crash < writes; crash += 3) {
      s3.objects.clear();
      for (const [key, object] of original) s3.objects.set(key, object);
      let count = 0;
      s3.fault = ({ method }) => {
        if (isWrite(method)) count += 1;
        return count >= crash ? { status: 400, code: 'Killed' } : undefined;
      };
      await expect(erase(broker, job)).rejects.toThrow('Killed');
      s3.fault = () => undefined;
      await erase(broker, job);
      const contents = digests(s3);
      for (const [key] of [...contents].filter(([each]) => each.endsWith('.json'))) contents.delete(key);
      for (const [key, digest] of contents)
        expect({ crash, key, digest }).toEqual({ crash, key, digest: expected.get(key) });
      expect(await objectsWith(s3, device)).toEqual([]);
      expect({ crash, ...(await verify(broker, [job])) }).toMatchObject({ crash, ok: true });
    }
  });

  it('is not undone by another delivery of the records, nor by new events of the id', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await appendDay(broker);
    const job = lake(s3, format);
    await run(broker, [job]);
    await requestErasure(broker, 'device', device);
    await erase(broker, job);
    const erased = digests(s3);
    await run(broker, [lake(s3, format, 'again')]);
    expect(digests(s3)).toEqual(erased);
    await appendDay(broker);
    await run(broker, [job]);
    // Jobs look at the ids of events only, the command at every text.
    expect(await objectsWith(s3, device)).toHaveLength(1);
    expect((await erase(broker, job)).jobs['lake']).toMatchObject({ rewritten: 1, removed: 1 });
    expect(await objectsWith(s3, device)).toEqual([]);
    expect(await verify(broker, [job])).toMatchObject({ ok: true });
  });
});

it('claims a block with the erasures that are known then', async () => {
  await using broker = await startTestBroker();
  await using s3 = await TestS3Server.start();
  await appendDay(broker);
  const job = s3Job(s3);
  let puts = 0;
  // The first attempts end after a block was claimed, before its objects are written.
  s3.fault = ({ method, key }) => {
    if (method !== 'PUT' || !key.endsWith('.gz')) return undefined;
    puts += 1;
    return puts <= 3 ? 'reset-before' : undefined;
  };
  await requestErasure(broker, 'device', other);
  await run(broker, [job]);
  expect(puts).toBeGreaterThan(3);
  expect((await objectsWith(s3, device)).length).toBeGreaterThan(0);
  await requestErasure(broker, 'device', device);
  await run(broker, [s3Job(s3, { name: 'again' })]);
  expect((await verify(broker, [s3Job(s3, { name: 'again' })])).ok).toBe(true);
});
