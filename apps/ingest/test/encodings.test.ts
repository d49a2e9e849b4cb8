import { gzipSync } from 'node:zlib';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog, ready, startIngest, telemetryPoint, type TestIngest, type TestResponse } from './_util.js';

const BODY_LIMIT = 262_144;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

describe('the encodings of a body', () => {
  let broker: TestBroker;
  let ingest: TestIngest;

  beforeAll(async () => {
    broker = await startTestBroker();
    const env = { INGEST_HTTP_BODY_LIMIT_BYTES: String(BODY_LIMIT) };
    ingest = await startIngest({ port: broker.port, env });
    await ready(ingest);
  });

  afterAll(async () => {
    await ingest[Symbol.asyncDispose]();
    await broker.stop();
  });

  const send = (body: Buffer, headers: Record<string, string> = {}): Promise<TestResponse> =>
    ingest.request({ path: '/telemetry', body, headers });
  const json = (items: unknown): Buffer => Buffer.from(JSON.stringify(items));
  /** JSON of an exact size in bytes. */
  const jsonOf = (bytes: number): Buffer => {
    const text = json([telemetryPoint()]);
    return Buffer.concat([text, Buffer.alloc(bytes - text.length, ' ')]);
  };

  it.each([
    ['gzip', (body: Buffer) => gzipSync(body), { 'content-encoding': 'gzip' }],
    ['GZIP, as x-gzip', (body: Buffer) => gzipSync(body), { 'content-encoding': 'X-GZIP' }],
    [
      'gzip in two members',
      (body: Buffer) => Buffer.concat([gzipSync(body.subarray(0, 20)), gzipSync(body.subarray(20))]),
      { 'content-encoding': 'gzip' },
    ],
    ['identity', (body: Buffer) => body, { 'content-encoding': 'identity' }],
    ['a byte order mark', (body: Buffer) => Buffer.concat([BYTE_ORDER_MARK, body]), {}],
    [
      'a byte order mark in gzip',
      (body: Buffer) => gzipSync(Buffer.concat([BYTE_ORDER_MARK, body])),
      { 'content-encoding': 'gzip' },
    ],
    ['charset=utf8', (body: Buffer) => body, { 'content-type': 'application/json; charset=utf8' }],
    [
      'a media type in upper case',
      (body: Buffer) => body,
      { 'content-type': 'Application/JSON;charset="UTF-8"' },
    ],
  ])('may be %s', async (_, encode, headers) => {
    const point = telemetryPoint();
    const response = await send(encode(json([point])), headers);
    expect([response.status, response.body]).toEqual([201, { success: 1, total: 1, failures: [] }]);
    expect((await readLog(broker.port)).map(({ value }) => value)).toContainEqual(point);
  });

  const gzip = { 'content-encoding': 'gzip' };
  it.each([
    ['plain', json([]), 'not valid gzip'],
    ['cut', gzipSync(jsonOf(5_000)).subarray(0, 100), 'not valid gzip'],
    ['of an empty text', gzipSync(''), 'empty'],
    ['of text that is not JSON', gzipSync('[{'), 'not JSON'],
    ['of bytes that are not UTF-8', gzipSync(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])), 'not UTF-8'],
  ])('are rejected with 400 for gzip %s', async (_, body, detail) => {
    const response = await send(body, gzip);
    expect(response.status).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.body.detail).toContain(detail);
  });

  it('have one size limit, before and after decompression', async () => {
    expect((await send(gzipSync(jsonOf(BODY_LIMIT)), gzip)).status).toBe(201);
    expect((await send(gzipSync(jsonOf(BODY_LIMIT + 1)), gzip)).status).toBe(413);
    expect((await send(jsonOf(BODY_LIMIT))).status).toBe(201);
    expect((await send(jsonOf(BODY_LIMIT + 1))).status).toBe(413);
  });

  it('are rejected with 413 if a small body decompresses to a large one', async () => {
    const member = gzipSync(Buffer.alloc(16 * 1_048_576, ' '));
    const bomb = Buffer.concat(Array.from({ length: Math.floor(BODY_LIMIT / member.length) }, () => member));
    const response = await send(bomb, gzip);
    expect(response.status).toBe(413);
    expect(response.body.detail).toContain(String(BODY_LIMIT));
  });

  it.each(['br', 'deflate', 'zstd', 'gzip, gzip', 'identity, gzip', 'made-up'])(
    'are rejected with 415 for %s, with the supported ones',
    async (coding) => {
      const response = await send(gzipSync(json([telemetryPoint()])), { 'content-encoding': coding });
      expect(response.status).toBe(415);
      expect(response.headers).toMatchObject({
        'content-type': expect.stringContaining('application/problem+json') as string,
        'accept-encoding': 'gzip, identity',
      });
    },
  );

  it('are ignored if the request body is not read', async () => {
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'br' };
    const response = await ingest.request({ method: 'GET', path: '/health/live', body: 'x', headers });
    expect(response.status).toBe(200);
  });

  it('are rejected with 415 for another media type, with the supported ones', async () => {
    const response = await send(json([]), { 'content-type': 'text/csv' });
    expect(response.status).toBe(415);
    expect(response.headers['accept']).toBe('application/json, application/vnd.mds+json');
  });
});
