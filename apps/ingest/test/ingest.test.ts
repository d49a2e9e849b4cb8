import { randomUUID } from 'node:crypto';
import { eventRegistry, telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PROVIDER,
  readLog,
  ready,
  startIngest,
  telemetryPoint,
  writeToken,
  type TestIngest,
} from './_util.js';

describe('ingest', () => {
  let broker: TestBroker;
  let ingest: TestIngest;

  beforeAll(async () => {
    broker = await startTestBroker();
    ingest = await startIngest({ port: broker.port });
    await ready(ingest);
  });

  afterAll(async () => {
    await ingest[Symbol.asyncDispose]();
    await broker.stop();
  });

  const idsInLog = async (): Promise<unknown[]> =>
    (await readLog(broker.port)).map(({ value }) => value['telemetry_id']);

  it('responds with 201 once the event is stored, with its device as key and the time of the request', async () => {
    const point = telemetryPoint({ timestamp: Date.now() - 86_400_000 });
    const before = Date.now();
    const response = await ingest.post('/telemetry', [point]);
    expect(response.status).toBe(201);
    expect(response.body).toEqual({ success: 1, total: 1, failures: [] });
    const record = (await readLog(broker.port)).find(
      ({ value }) => value['telemetry_id'] === point['telemetry_id'],
    );
    expect(record).toMatchObject({
      topic: telemetryFamily.topic.name,
      key: point['device_id'],
      value: point,
    });
    expect(record!.timestampMs).toBeGreaterThanOrEqual(before);
    expect(record!.timestampMs).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ['/telemetry', 'ride.telemetry', 'device_id'],
    ['/events', 'ride.vehicle-events', 'device_id'],
    ['/trips', 'ride.trips', 'trip_id'],
    ['/rider-events', 'ride.rider-events', 'trip_id'],
  ])('writes events posted to %s to %s with their %s as key', async (path, topic, keyField) => {
    const key = randomUUID();
    const event = {
      ...eventRegistry.byTopic.get(topic)!.example,
      provider_id: PROVIDER,
      [keyField]: key,
    };
    expect((await ingest.post(path, [event])).body).toEqual({ success: 1, total: 1, failures: [] });
    const records = (await readLog(broker.port)).filter((record) => record.key === key);
    expect(records).toMatchObject([{ topic, value: event }]);
  });

  it('accepts a heading and speed of -1, and omits them from the log', async () => {
    const location = { lat: 43.7347, lng: 7.4206, altitude: 12 };
    const point = telemetryPoint({ location: { ...location, heading: -1, speed: -1 } });
    expect((await ingest.post('/telemetry', [point])).body).toMatchObject({ success: 1, failures: [] });
    const record = (await readLog(broker.port)).find(
      ({ value }) => value['telemetry_id'] === point['telemetry_id'],
    );
    expect(record!.value['location']).toEqual(location);
  });

  it('preserves the order of a device across requests', async () => {
    const device_id = randomUUID();
    const points = Array.from({ length: 50 }, () => telemetryPoint({ device_id }));
    for (const point of points) await ingest.post('/telemetry', [point]);
    const recordsOfDevice = (await readLog(broker.port)).filter(({ key }) => key === device_id);
    expect(recordsOfDevice.map(({ value }) => value['telemetry_id'])).toEqual(
      points.map((point) => point['telemetry_id']),
    );
  });

  it('writes the valid items of a request, and identifies the others by index', async () => {
    const good = [telemetryPoint(), telemetryPoint()];
    const offTheGlobe = telemetryPoint({ location: { lat: 90.5, lng: 7.4 } });
    const { telemetry_id: _, ...withoutId } = telemetryPoint();
    const response = await ingest.post('/telemetry', [good[0], offTheGlobe, withoutId, good[1]]);
    expect(response.status).toBe(201);
    expect(response.body).toMatchObject({ success: 2, total: 4 });
    expect(response.body.failures).toEqual([
      {
        item: offTheGlobe,
        index: 1,
        error: 'bad_param',
        error_description: 'location.lat must be <= 90',
        error_details: ['location.lat'],
      },
      {
        item: withoutId,
        index: 2,
        error: 'missing_param',
        error_description: 'telemetry_id is required',
        error_details: ['telemetry_id'],
      },
    ]);
    expect(await idsInLog()).toEqual(expect.arrayContaining(good.map((point) => point['telemetry_id'])));
  });

  it('accepts an event again, so that it can be retried', async () => {
    const point = telemetryPoint();
    expect((await ingest.post('/telemetry', [point])).status).toBe(201);
    expect((await ingest.post('/telemetry', [point, point])).status).toBe(201);
    expect((await idsInLog()).filter((id) => id === point['telemetry_id'])).toHaveLength(3);
  });

  it('accepts an empty array, and the maximum number of items', async () => {
    expect((await ingest.post('/telemetry', [])).body).toEqual({ success: 0, total: 0, failures: [] });
    const most = Array.from({ length: 1_000 }, () => telemetryPoint());
    expect((await ingest.post('/telemetry', most)).body).toEqual({
      success: 1_000,
      total: 1_000,
      failures: [],
    });
  });

  it('preserves text, in UTF-8', async () => {
    const event = {
      ...vehicleEventFamily.example,
      provider_id: PROVIDER,
      device_id: randomUUID(),
      associated_ticket: 'ção 漢字 🚕 \u0000 "\\ \ud800',
    };
    expect((await ingest.post('/events', [event])).status).toBe(201);
    const record = (await readLog(broker.port)).find(({ key }) => key === event.device_id);
    expect(record?.value['associated_ticket']).toBe(event.associated_ticket);
  });

  it('responds with the media type of MDS 2.0 if requested', async () => {
    const accept = 'application/vnd.mds+json;version=2.0';
    const headers = { accept, 'content-type': 'application/vnd.mds+json;version=2.0' };
    const response = await ingest.post('/telemetry', [telemetryPoint()], { headers });
    expect(response.status).toBe(201);
    expect(response.headers['content-type']).toBe(accept);
  });

  it('counts events by outcome', async () => {
    const body = await metricsOf(ingest);
    expect(body).toMatch(/ingest_events_total\{topic="ride.telemetry",outcome="written"\} \d+/);
    expect(body).toMatch(/ingest_events_total\{topic="ride.telemetry",outcome="invalid"\} \d+/);
    expect(body).toMatch(/ingest_buffered_bytes 0/);
  });

  it('accepts every example of its OpenAPI document', async () => {
    const url = `http://127.0.0.1:${ingest.port}/openapi.json`;
    const headers = { authorization: `Bearer ${await writeToken()}` };
    const document = (await (await fetch(url, { headers })).json()) as OpenApi;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { headers: { authorization: 'Bearer x' } })).status).toBe(401);
    expect(document.openapi).toBe('3.1.0');
    const paths = ['/telemetry', '/events', '/rider-events', '/trips'];
    expect(Object.keys(document.paths)).toEqual([...paths, ...paths.map((path) => `/validate${path}`)]);
    for (const [path, { post }] of Object.entries(document.paths)) {
      const [example] = post.requestBody.content['application/json'].example;
      const response = await ingest.post(path, [example]);
      expect([path, response.status, response.body.failures]).toEqual([path, 201, []]);
    }
  });

  it('finishes the requests in flight when it is closed', async () => {
    const other = await startIngest({ port: broker.port, env: { INGEST_LOG_DELIVERY_TIMEOUT_MS: '30000' } });
    await ready(other);
    const point = telemetryPoint();
    broker.inject({ api: 'Produce', times: Infinity, dropConnection: true });
    const answer = other.post('/telemetry', [point]);
    await until(async () => /ingest_buffered_bytes [1-9]/.test(await metricsOf(other)));
    const closed = other[Symbol.asyncDispose]();
    broker.clearFaults();
    await closed;
    expect((await answer).status).toBe(201);
    expect(await idsInLog()).toContain(point['telemetry_id']);
  });
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<
    string,
    { post: { requestBody: { content: { 'application/json': { example: [Record<string, unknown>] } } } } }
  >;
}

/** Over another connection: that of the client may have a request in flight. */
async function metricsOf({ port }: TestIngest): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}
