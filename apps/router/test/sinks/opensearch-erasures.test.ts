import { randomUUID } from 'node:crypto';
import { riderEventFamily, telemetryFamily, tripFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { startOpenSearch, type RunningOpenSearch } from '@hailstream/tools/opensearch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseRouterFile, type JobSpec } from '../../src/router-file/router-file.js';
import { appendTo, requestErasure } from '../_erasures.js';
import { startService } from '../_service.js';
import { MORNING, point, run } from '../_util.js';

const device = randomUUID();
const rider = randomUUID();
const other = randomUUID();
const place = { lat: 43.734712, lng: 7.420634 };

let node: RunningOpenSearch;
beforeAll(async () => {
  node = await startOpenSearch();
});
afterAll(() => node[Symbol.asyncDispose]());
beforeEach(() => request('DELETE', '/ride.*'));

async function request(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${node.url}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

type Source = Readonly<Record<string, unknown>>;

/** All documents of all indexes. */
async function documents(): Promise<readonly Source[]> {
  await request('POST', '/ride.*/_refresh');
  const { hits } = (await request('POST', '/ride.*/_search', { size: 10_000 })) as {
    hits: { hits: { _id: string; _source: Source }[] };
  };
  return hits.hits.map(({ _id, _source: source }) => ({ ...source, _id }));
}

/** Documents with an id anywhere, in upper or lower case, with or without hyphens. */
async function occurrences(id: string): Promise<number> {
  const forms = [id, id.replaceAll('-', '')];
  return (await documents()).filter((document) => {
    const text = JSON.stringify(document).toLowerCase();
    return forms.some((form) => text.includes(form));
  }).length;
}

function job(name = 'search'): JobSpec {
  const topics = [telemetryFamily, riderEventFamily, tripFamily].map(({ topic }) => topic.name);
  const sink = { type: 'opensearch', url: node.url, index: '{topic}-{yyyy.MM}' };
  return parseRouterFile(JSON.stringify({ jobs: [{ name, topics, sink }] }), 'router.yaml')[0]!;
}

const tripOf = (deviceId: string) => ({
  ...tripFamily.example,
  device_id: deviceId,
  trip_id: randomUUID(),
  start_location: place,
  trip_attributes: { ...tripFamily.example.trip_attributes!, driver_id: `driver of ${deviceId}` },
});

const ridden = tripOf(other);
const driven = [tripOf(device), tripOf(device.toUpperCase())];

async function appendDay(broker: TestBroker): Promise<void> {
  const points = [device, device.toUpperCase(), other].flatMap((deviceId) =>
    Array.from({ length: 700 }, (_, index) => point(deviceId, MORNING + index)),
  );
  await appendTo(
    broker,
    telemetryFamily.topic.name,
    points.map((value) => ({ key: 'k', value })),
  );
  const request = { ...riderEventFamily.example, rider_id: rider, trip_id: ridden.trip_id, location: place };
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

describe('an erasure in OpenSearch', () => {
  it('removes the documents of a device, and leaves its trips without the id and with coarse places', async () => {
    await using broker = await startTestBroker();
    await appendDay(broker);
    await run(broker, [job()]);
    expect(await occurrences(device)).toBe(1_402);
    const before = await documents();
    await requestErasure(broker, 'device', device);
    await run(broker, [job()]);
    expect(await occurrences(device)).toBe(0);
    const after = await documents();
    expect(after).toHaveLength(before.length - 1_400);
    const trips = after.filter(({ trip_id: id }) => driven.some((trip) => trip.trip_id === id));
    expect(new Set(trips.map(({ device_id: id }) => id)).size).toBe(2);
    for (const trip of trips) {
      expect(trip).toMatchObject({ distance: 1_650, start_location: { lat: 43.73, lng: 7.42 } });
      expect(JSON.stringify(trip)).not.toContain('driver of');
    }
    expect(after.filter(({ trip_id: id }) => id === ridden.trip_id)).toEqual(
      before.filter(({ trip_id: id }) => id === ridden.trip_id),
    );
    // Neither a replay nor new events of the device bring it back.
    await appendDay(broker);
    await run(broker, [job('replay')]);
    expect(await occurrences(device)).toBe(0);
    const expunged = '/ride.*/_forcemerge?only_expunge_deletes=true';
    await request('POST', expunged);
    await run(broker, [job('after the documents were expunged'.replaceAll(' ', '-'))]);
    expect(await occurrences(device)).toBe(0);
    expect((await documents()).filter(({ trip_id: id }) => id === driven[0]!.trip_id)).toEqual(
      trips.filter(({ trip_id: id }) => id === driven[0]!.trip_id),
    );
  });

  it('removes the events of a rider, and makes the places of the trip coarse', async () => {
    await using broker = await startTestBroker();
    await appendDay(broker);
    await run(broker, [job()]);
    expect(await occurrences(rider)).toBe(1);
    await requestErasure(broker, 'rider', rider);
    await run(broker, [job()]);
    expect(await occurrences(rider)).toBe(0);
    const trip = (await documents()).find(({ trip_id: id }) => id === ridden.trip_id);
    expect(trip).toMatchObject({ device_id: other, start_location: { lat: 43.73, lng: 7.42 } });
    expect(await occurrences(other)).toBe(702);
  });

  it('is completed by a job that starts if another process wrote an event of the id meanwhile', async () => {
    await using broker = await startTestBroker();
    await appendDay(broker);
    await run(broker, [job()]);
    await requestErasure(broker, 'device', device);
    await run(broker, [job()]);
    const late = point(device, MORNING);
    await request('PUT', `/ride.telemetry-2026.03/_doc/late?refresh=true`, late);
    expect(await occurrences(device)).toBe(1);
    await using _service = await startService(broker, [job()]);
    await until(async () => (await occurrences(device)) === 0, { timeoutMs: 60_000 });
  });
});
