import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ready,
  startIngest,
  telemetryPoint,
  writeToken,
  type TestIngest,
  type TestResponse,
} from './_util.js';

const MEBIBYTE = 1_048_576;

/** Requests with this header are served by the controllers. */
const BY_CONTROLLER = { 'content-encoding': 'identity' };

let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
});

afterAll(() => broker.stop());

/** A provider of its own, so that tests do not share a limit. */
async function newProvider() {
  const provider = crypto.randomUUID();
  const token = await writeToken(provider);
  const points = (count: number) =>
    Array.from({ length: count }, () => telemetryPoint({ provider_id: provider }));
  return { token, points };
}

async function metric(ingest: TestIngest, line: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ingest.port}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((candidate) => candidate.startsWith(`${line} `))
      ?.split(' ')[1],
  );
}

/** Sends headers and no body. */
async function announce(ingest: TestIngest, token: string, headers: readonly string[]): Promise<Socket> {
  const socket = connect(ingest.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    [
      'POST /telemetry HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      ...headers,
      '',
      '',
    ].join('\r\n'),
  );
  return socket;
}

async function firstData(socket: Socket): Promise<string> {
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

describe('a provider beyond its rate', () => {
  let ingest: TestIngest;

  beforeAll(async () => {
    const env = { INGEST_PROVIDER_EVENTS_PER_SECOND: '20', INGEST_PROVIDER_BURST_EVENTS: '40' };
    ingest = await startIngest({ port: broker.port, env });
    await ready(ingest);
  });

  afterAll(() => ingest[Symbol.asyncDispose]());

  it.each([
    ['plain', '/telemetry', {}],
    ['from the controllers', '/telemetry', BY_CONTROLLER],
    ['to a dry run', '/validate/telemetry', {}],
  ])(
    'is refused with 429 until it may send again, and others are not: requests %s',
    async (_, path, headers) => {
      const { token, points } = await newProvider();
      const post = (count: number): Promise<TestResponse> =>
        ingest.post(path, points(count), { token, headers });
      const accepted = [await post(1), await post(59)];
      expect(accepted.map(({ status }) => status)).toEqual([201, 201]);
      expect(accepted[0]!.headers).toMatchObject({
        'ratelimit-policy': '"provider";q=40;w=2;qu="events"',
        ratelimit: expect.stringMatching(/^"provider";r=(39|40);t=[01]$/) as string,
      });
      const refused = await post(1);
      expect(refused.status).toBe(429);
      expect(refused.headers).toMatchObject({
        'content-type': 'application/problem+json; charset=utf-8',
        'retry-after': expect.stringMatching(/^[12]$/) as string,
        ratelimit: `"provider";r=0;t=${String(refused.headers['retry-after'])}`,
      });
      const other = await newProvider();
      expect((await ingest.post(path, other.points(1), { token: other.token, headers })).status).toBe(201);
      await until(async () => (await post(1)).status === 201);
    },
  );

  it.each([
    ['with a length', ['Content-Length: 1000000']],
    ['in chunks', ['Transfer-Encoding: chunked']],
    ['compressed', ['Content-Encoding: gzip', 'Content-Length: 1000']],
    ['that is announced', ['Expect: 100-continue', 'Content-Length: 1000']],
  ])('is refused before a body %s arrives', async (_, headers) => {
    const { token, points } = await newProvider();
    await ingest.post('/telemetry', points(100), { token });
    const before = await metric(ingest, 'ingest_refused_requests_total{reason="rate"}');
    const socket = await announce(ingest, token, headers);
    expect(await firstData(socket)).toMatch(/^HTTP\/1.1 429 /);
    socket.destroy();
    expect(await metric(ingest, 'ingest_refused_requests_total{reason="rate"}')).toBe(before + 1);
  });
});

describe('a provider whose bodies do not arrive', () => {
  let ingest: TestIngest;

  beforeAll(async () => {
    const env = { INGEST_HTTP_BODY_LIMIT_BYTES: '1048576', INGEST_HTTP_BODIES_BYTES: '8388608' };
    ingest = await startIngest({ port: broker.port, env });
    await ready(ingest);
  });

  afterAll(() => ingest[Symbol.asyncDispose]());

  it.each([
    ['with a length', ['Content-Length: 1048576']],
    ['in chunks', ['Transfer-Encoding: chunked']],
  ])('uses only its share of the memory for bodies %s', async (_, headers) => {
    const { token, points } = await newProvider();
    expect((await ingest.post('/telemetry', points(1), { token })).status).toBe(201);
    const held = await Promise.all(Array.from({ length: 3 }, () => announce(ingest, token, headers)));
    await until(async () => (await metric(ingest, 'ingest_body_bytes')) > 3_000_000);
    const further = await announce(ingest, token, headers);
    // On a busy machine, the others count as slow by then.
    const answers = [...held, further].map(firstData);
    expect(await Promise.race(answers)).toMatch(/^HTTP\/1.1 (429 .*retry-after: 1\r\n|408 )/is);
    expect(await metric(ingest, 'ingest_body_bytes')).toBeLessThan(4 * MEBIBYTE);
    const other = await newProvider();
    expect((await ingest.post('/telemetry', other.points(1), { token: other.token })).status).toBe(201);
    for (const socket of [...held, further]) socket.destroy();
    await until(async () => (await metric(ingest, 'ingest_body_bytes')) === 0);
    const compressed = { body: gzipSync(JSON.stringify(points(1))), headers: { 'content-encoding': 'gzip' } };
    expect((await ingest.request({ path: '/telemetry', token, ...compressed })).status).toBe(201);
    await until(async () => (await metric(ingest, 'ingest_body_bytes')) === 0);
  });

  it.each([
    ['with a length', ['Content-Length: 1048576']],
    ['in chunks', ['Transfer-Encoding: chunked']],
    ['that are compressed', ['Content-Encoding: gzip', 'Content-Length: 1048576']],
  ])('makes room for others if several fill the memory with bodies %s', async (_, headers) => {
    const sockets: Socket[] = [];
    let received = '';
    // Each has at most as much as is left.
    for (const { token, points } of await Promise.all(Array.from({ length: 5 }, newProvider))) {
      expect((await ingest.post('/telemetry', points(1), { token })).status).toBe(201);
      const own = await Promise.all(Array.from({ length: 3 }, () => announce(ingest, token, headers)));
      for (const socket of own) socket.on('data', (data: Buffer) => (received += data.toString()));
      sockets.push(...own);
    }
    await until(async () => (await metric(ingest, 'ingest_body_bytes')) > 7_300_000);
    // A part of the body, so that memory is used for it.
    for (const socket of sockets) if (socket.writable) socket.write('1000\r\n[');
    const other = await newProvider();
    const body = JSON.stringify(other.points(1)) + ' '.repeat(1_040_000);
    const post = () => ingest.request({ path: '/telemetry', token: other.token, body });
    await until(async () => (await post()).status === 201 && received.includes('HTTP/1.1 408 '));
    expect(received).toMatch(/connection: close/i);
    expect(received).toContain('the body did not arrive while other requests needed its memory');
    expect(await metric(ingest, 'ingest_refused_requests_total{reason="slow-bodies"}')).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await metric(ingest, 'ingest_body_bytes')) === 0);
  });
});

describe('callers without a valid token', () => {
  let ingest: TestIngest;

  beforeAll(async () => {
    ingest = await startIngest({ port: broker.port, env: { AUTH_FAILURES_PER_SECOND: '1' } });
    await ready(ingest);
  });

  afterAll(() => ingest[Symbol.asyncDispose]());

  it('are refused with 429 beyond the rate of their address, and those with one are not', async () => {
    const { points } = await newProvider();
    const invalid = ['invalid', null];
    const fail = async (index: number): Promise<TestResponse> =>
      ingest.post('/telemetry', points(1), { token: invalid[index % 2]! });
    const statuses: number[] = [];
    for (let index = 0; index < 10; index += 1) statuses.push((await fail(index)).status);
    expect(statuses).toEqual(Array<number>(10).fill(401));
    await until(async () => (await fail(0)).status === 429);
    const refused = await Promise.all([fail(0), fail(1), fail(0), fail(1)]);
    expect(refused.map(({ status }) => status)).toContain(429);
    const { headers, body } = refused.find(({ status }) => status === 429)!;
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'retry-after': '1',
    });
    expect(body).toMatchObject({ status: 429, title: 'Too Many Requests' });
    for (const options of [{}, { headers: BY_CONTROLLER }]) {
      const valid = await newProvider();
      const response = await ingest.post('/telemetry', valid.points(1), { token: valid.token, ...options });
      expect(response.status).toBe(201);
    }
  });
});

describe('connections', () => {
  let ingest: TestIngest;

  beforeAll(async () => {
    const env = { INGEST_HTTP_CONNECTIONS: '30', INGEST_HTTP_CONNECTIONS_PER_ADDRESS: '20' };
    ingest = await startIngest({ port: broker.port, env });
    await ready(ingest);
  });

  afterAll(() => ingest[Symbol.asyncDispose]());

  it('without a request make room for new ones', async () => {
    const { token, points } = await newProvider();
    const idle = Array.from({ length: 100 }, () => connect(ingest.port, '127.0.0.1'));
    for (const socket of idle) socket.on('error', () => undefined);
    await until(() => Promise.resolve(idle.filter((socket) => socket.closed).length >= 80));
    const fresh = await fetch(`http://127.0.0.1:${ingest.port}/telemetry`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(points(1)),
    });
    expect(fresh.status).toBe(201);
    for (const socket of idle) socket.destroy();
  });

  it('with more than a hundred requests that are not answered are closed', async () => {
    const { token, points } = await newProvider();
    const [body] = [JSON.stringify(points(1))];
    const socket = await announce(ingest, token, [`Content-Length: ${body.length}`]);
    socket.on('error', () => undefined);
    const request = `POST /telemetry HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    socket.write(body + request.repeat(300));
    socket.resume();
    await until(() => Promise.resolve(socket.closed));
    expect((await ingest.post('/telemetry', points(1), { token })).status).toBe(201);
  });
});
