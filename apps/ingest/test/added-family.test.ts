import { decodeEvent } from '@hailstream/events';
import { registryWithShifts, shiftFamily } from '@hailstream/events/testing';
import { createAdmin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { createLogger } from '@hailstream/service/logging';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER, readLog, ready, startIngest, telemetryPoint, type TestIngest } from './_util.js';

interface ApiDocument {
  readonly paths: Record<
    string,
    { post: { requestBody: { content: Record<string, { example: unknown }> } } }
  >;
  readonly channels: Record<string, { address: string }>;
  readonly components: { readonly schemas: Record<string, unknown> };
}

describe('a family that is added to the registry', () => {
  let broker: TestBroker;
  let ingest: TestIngest;

  beforeAll(async () => {
    broker = await startTestBroker();
    ingest = await startIngest({ port: broker.port, registry: registryWithShifts });
    await ready(ingest);
  });

  afterAll(async () => {
    await ingest[Symbol.asyncDispose]();
    await broker.stop();
  });

  const shift = (change: object = {}): Record<string, unknown> => ({
    ...shiftFamily.example,
    shift_event_id: randomUUID(),
    driver_id: randomUUID(),
    provider_id: PROVIDER,
    happened_at: Date.now(),
    ...change,
  });

  const getJson = async (path: string): Promise<ApiDocument> =>
    (await (await fetch(`http://127.0.0.1:${ingest.port}${path}`)).json()) as ApiDocument;

  it('has its topic, with its number of partitions', async () => {
    const logger = createLogger({ name: 'test', level: 'silent' });
    const connection = { brokers: [broker.address], clientId: 'test' };
    await using admin = createAdmin({ connection, logger });
    expect((await admin.offsets('ride.shifts')).size).toBe(2);
  });

  it('is accepted at its path, and stored under its key so that it can be decoded', async () => {
    const event = shift();
    expect((await ingest.post('/shifts', [event])).body).toEqual({ success: 1, total: 1, failures: [] });
    const record = (await readLog(broker.port, registryWithShifts)).find(
      ({ key }) => key === event['driver_id'],
    );
    expect(record?.topic).toBe('ride.shifts');
    expect(decodeEvent(shiftFamily, record!.bytes)).toEqual(event);
  });

  it('is validated: schema, further rules, provider and event time', async () => {
    const { body } = await ingest.post('/shifts', [
      shift({ kind: 'pause' }),
      shift({ location: { lat: 1, lng: 2, heading: -2 } }),
      shift({ provider_id: randomUUID() }),
      shift({ happened_at: Date.now() + 3_600_000 }),
    ]);
    expect(body.failures).toMatchObject([
      { error_description: 'kind must be one of start, end' },
      { error_details: ['location.heading'] },
      { error_details: ['provider_id'] },
      { error_details: ['happened_at'] },
    ]);
  });

  it('is counted under its topic', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${ingest.port}/metrics`)).text();
    expect(metrics).toMatch(/ingest_events_total\{topic="ride.shifts",outcome="written"\} 1\b/);
  });

  it('requires a token', async () => {
    expect((await ingest.post('/shifts', [shift()], { token: null })).status).toBe(401);
  });

  it('is described in OpenAPI', async () => {
    const { paths, components } = await getJson('/openapi.json');
    expect(paths['/shifts']?.post.requestBody.content['application/json']?.example).toEqual([
      shiftFamily.example,
    ]);
    expect(components.schemas['Shift']).toEqual(shiftFamily.schema);
  });

  it('is described in AsyncAPI', async () => {
    const { channels, components } = await getJson('/asyncapi.json');
    expect(channels['shifts']?.address).toBe('ride.shifts');
    expect(components.schemas['Shift']).toEqual(shiftFamily.schema);
  });

  it('leaves the other families as they are', async () => {
    expect((await ingest.post('/telemetry', [telemetryPoint()])).status).toBe(201);
  });
});
