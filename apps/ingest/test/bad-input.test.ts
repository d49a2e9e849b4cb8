import http from 'node:http';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { makeToken } from '@hailstream/service/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PROVIDER,
  readLog,
  ready,
  SECRET,
  startIngest,
  telemetryPoint,
  writeToken,
  type TestIngest,
} from './_util.js';

const MEBIBYTE = 1_048_576;

describe('ingest with invalid requests', () => {
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

  it.each([
    ['malformed JSON', '[{"device_id":', /not JSON/],
    ['nothing', '', /empty/],
    ['bytes that are not UTF-8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), /UTF-8/],
    ['NaN', '[{"location":{"lat":NaN,"lng":1}}]', /not JSON/],
    ['an object', JSON.stringify(telemetryPoint()), /array/],
    ['null', 'null', /array/],
    ['a text', '"telemetry"', /array/],
  ])('rejects %s with 400', async (_, body, detail) => {
    const response = await ingest.request({ path: '/telemetry', body });
    expect(response.status).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.body).toMatchObject({ status: 400, instance: '/telemetry' });
    expect(response.body.detail).toMatch(detail);
  });

  const location = { lat: 43.7, lng: 7.4 };
  it.each([
    ['a latitude out of range', telemetryPoint({ location: { ...location, lat: -90.01 } }), 'location.lat'],
    ['a longitude out of range', telemetryPoint({ location: { ...location, lng: 180.01 } }), 'location.lng'],
    ['a number as text', telemetryPoint({ location: { ...location, lat: '43.7' } }), 'location.lat'],
    ['a time as text', telemetryPoint({ timestamp: '2026-01-01T00:00:00Z' }), 'timestamp'],
    ['a time in seconds', telemetryPoint({ timestamp: Math.floor(Date.now() / 1_000) }), 'timestamp'],
    ['a fractional time', telemetryPoint({ timestamp: Date.now() + 0.5 }), 'timestamp'],
    ['an event of 2019', telemetryPoint({ timestamp: Date.UTC(2019, 0, 1) }), 'timestamp'],
    ['a time far ahead', telemetryPoint({ timestamp: Date.now() + 6 * 60_000 }), 'timestamp'],
    ['an id that is not a UUID', telemetryPoint({ device_id: 'taxi 7' }), 'device_id'],
    [
      'another provider’s event',
      telemetryPoint({ provider_id: '0197a1c0-0000-7000-8000-000000000bad' }),
      'provider_id',
    ],
    ['an unknown field', telemetryPoint({ colour: 'red' }), 'colour'],
    [
      'an unknown field of the location',
      telemetryPoint({ location: { ...location, geohash: 'u0' } }),
      'location.geohash',
    ],
    ['a text', 'telemetry', undefined],
    ['null', null, undefined],
    ['an array', [telemetryPoint()], undefined],
  ])('rejects %s as bad_param and names the field', async (_, item, field) => {
    const response = await ingest.post('/telemetry', [item]);
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({
      success: 0,
      total: 1,
      failures: [{ index: 0, error: 'bad_param', item }],
    });
    const [failure] = response.body.failures;
    expect(failure!.error_details).toEqual(field === undefined ? [] : [field]);
    expect(failure!.error_description).toContain(field ?? 'item');
  });

  it('rejects a number that is out of range', async () => {
    const body = JSON.stringify([telemetryPoint()]).replace('43.7347', '1e999');
    const response = await ingest.request({ path: '/telemetry', body });
    expect(response.status).toBe(400);
    expect(response.body.failures[0]!.error_details).toEqual(['location.lat']);
  });

  it('rejects __proto__ and constructor as unknown fields', async () => {
    const body = JSON.stringify([telemetryPoint()]).replace(
      '{"device_id"',
      '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"device_id"',
    );
    const response = await ingest.request({ path: '/telemetry', body });
    expect(response.status).toBe(400);
    expect(response.body.failures[0]!.error_details).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it('rejects a deeply nested item and does not return it', async () => {
    const deep = '['.repeat(900_000) + ']'.repeat(900_000);
    const response = await ingest.request({ path: '/telemetry', body: `[${deep}]` });
    expect(response.status).toBe(400);
    expect(response.body.failures).toMatchObject([{ item: null, index: 0, error: 'bad_param' }]);
  });

  it('rejects more than a thousand items with 413', async () => {
    const response = await ingest.post(
      '/telemetry',
      Array.from({ length: 1_001 }, () => 1),
    );
    expect(response.status).toBe(413);
    expect(response.body.detail).toBe('the body has 1001 items; the maximum is 1000');
  });

  it.each([
    ['with Content-Length', { 'content-length': String(10 * MEBIBYTE) }],
    ['without Content-Length', { 'transfer-encoding': 'chunked' }],
  ])('rejects a body of 10 MB %s with 413 without reading all of it', async (_, headers) => {
    const { status, sentBytes } = await sendTenMegabytes(ingest.port, {
      ...headers,
      authorization: `Bearer ${await writeToken()}`,
    });
    expect(status).toBe(413);
    expect(sentBytes).toBeLessThan(10 * MEBIBYTE);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    'text/csv',
  ])('rejects the content type %s with 415', async (type) => {
    const response = await ingest.post('/telemetry', [telemetryPoint()], {
      headers: { 'content-type': type },
    });
    expect(response.status).toBe(415);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it.each([
    'application/vnd.mds+json;version=0.4',
    'application/vnd.mds+json;version=1.2',
    'application/vnd.mds+json;version=3.0',
  ])('rejects %s with 406', async (accept) => {
    const response = await ingest.post('/telemetry', [telemetryPoint()], { headers: { accept } });
    expect(response.status).toBe(406);
    expect(response.body.detail).toContain('2.0');
  });

  it.each([
    ['a missing token', () => null, 'Bearer'],
    ['an expired token', () => writeToken(PROVIDER, '1 minute ago'), 'expired'],
    [
      'a token that was signed with another secret',
      () => makeToken(`not ${SECRET}`, { scopes: ['write'], providerId: PROVIDER }, '1h'),
      'invalid_token',
    ],
    [
      'a token without scope write',
      () => makeToken(SECRET, { scopes: ['read'], providerId: PROVIDER }, '1h'),
      'scope write',
    ],
    ['a token without a provider', () => makeToken(SECRET, { scopes: ['write'] }, '1h'), 'provider_id'],
    [
      'a token with alg none',
      () => `${base64({ alg: 'none' })}.${base64({ scope: 'write', provider_id: PROVIDER })}.`,
      'invalid_token',
    ],
  ])('rejects %s with 401 and the reason', async (_, makeIt, challenge) => {
    const response = await ingest.post('/telemetry', [telemetryPoint()], { token: await makeIt() });
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toContain(challenge);
  });

  it('rejects a token that has expired since its last use', async () => {
    // Tokens are accepted for 30 s after they have expired.
    const token = await writeToken(PROVIDER, '28 seconds ago');
    expect((await ingest.post('/telemetry', [], { token })).status).toBe(201);
    await expect
      .poll(async () => (await ingest.post('/telemetry', [], { token })).status, { timeout: 10_000 })
      .toBe(401);
  });

  it.each([
    ['GET', '/telemetry', 405],
    ['PUT', '/events', 405],
    ['POST', '/vehicles', 404],
  ] as const)('responds to %s %s with %i', async (method, path, status) => {
    const response = await ingest.request({ method, path });
    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it('writes nothing to the log', async () => {
    expect(await readLog(broker.port)).toEqual([]);
  });
});

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Sends a body as fast as the service reads it, until the response arrives. */
async function sendTenMegabytes(
  port: number,
  headers: http.OutgoingHttpHeaders,
): Promise<{ status?: number; sentBytes: number }> {
  return new Promise((resolve, reject) => {
    let sentBytes = 0;
    let answered = false;
    const request = http.request({
      port,
      method: 'POST',
      path: '/telemetry',
      headers: { ...headers, 'content-type': 'application/json' },
    });
    request.on('response', (response) => {
      answered = true;
      response.resume();
      request.destroy();
      resolve({ ...(response.statusCode !== undefined && { status: response.statusCode }), sentBytes });
    });
    // The service closes the connection without reading the rest, and writing it fails.
    request.on('error', (error) => {
      if (!answered) reject(error);
    });
    const chunk = Buffer.alloc(65_536, ' ');
    const write = (): void => {
      if (answered || sentBytes >= 10 * MEBIBYTE) return;
      sentBytes += chunk.length;
      if (request.write(chunk)) setImmediate(write);
      else request.once('drain', write);
    };
    write();
  });
}
