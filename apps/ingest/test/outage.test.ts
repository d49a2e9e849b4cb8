import { startTestBroker } from '@hailstream/log/testing';
import { describe, expect, it } from 'vitest';
import { readLog, ready, startIngest, telemetryPoint, writeToken } from './_util.js';

const BOUND_MS = 1_000;

describe('ingest without a reachable log', () => {
  it('starts, is not ready, and responds with 503', async () => {
    let port: number;
    {
      await using broker = await startTestBroker();
      port = broker.port;
    }
    await using ingest = await startIngest({ port });
    const readiness = await ingest.request({ method: 'GET', path: '/health/ready' });
    expect(readiness.status).toBe(503);
    expect(readiness.body.checks).toMatchObject({ topics: { status: 'error' }, log: { status: 'error' } });
    expect((await ingest.request({ method: 'GET', path: '/health/live' })).status).toBe(200);
    const response = await ingest.post('/telemetry', [telemetryPoint()]);
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
    expect(response.body).toMatchObject({
      status: 503,
      detail: expect.stringContaining('nothing was written'),
    });
  });

  it('responds with 503 within the delivery timeout during an outage, and with 201 after it', async () => {
    await using broker = await startTestBroker();
    await using ingest = await startIngest({
      port: broker.port,
      env: { INGEST_LOG_DELIVERY_TIMEOUT_MS: String(BOUND_MS) },
    });
    await ready(ingest);
    const before = telemetryPoint();
    expect((await ingest.post('/telemetry', [before])).status).toBe(201);

    await broker.kill();
    const during = telemetryPoint();
    const refused = await ingest.post('/telemetry', [during]);
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    expect((await ingest.request({ method: 'GET', path: '/health/ready' })).status).toBe(503);

    await broker.restart();
    await expect
      .poll(async () => (await ingest.post('/telemetry', [during])).status, { timeout: 30_000 })
      .toBe(201);
    await ready(ingest);
    const ids = (await readLog(broker.port)).map(({ value }) => value['telemetry_id']);
    expect(ids).toContain(before['telemetry_id']);
    expect(ids).toContain(during['telemetry_id']);
  });

  it('responds with 503 immediately if the buffer is full', async () => {
    await using broker = await startTestBroker();
    await using ingest = await startIngest({
      port: broker.port,
      env: {
        INGEST_LOG_DELIVERY_TIMEOUT_MS: '5000',
        INGEST_LOG_BUFFER_BYTES: '1048576',
        INGEST_HTTP_BODY_LIMIT_BYTES: '524288',
      },
    });
    await ready(ingest);
    await broker.kill();
    const batch = Array.from({ length: 1_000 }, () => telemetryPoint());
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const response = await fetch(`http://127.0.0.1:${ingest.port}/telemetry`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${await writeToken()}` },
          body: JSON.stringify(batch),
        });
        return { status: response.status, detail: ((await response.json()) as { detail: string }).detail };
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 503));
    expect(answers.some(({ detail }) => /the producer's buffer is full/.test(detail))).toBe(true);
  });
});
