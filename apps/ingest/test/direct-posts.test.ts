import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER, ready, startIngest, telemetryPoint, writeToken, type TestIngest } from './_util.js';

const BODY_LIMIT = 1_048_576;

/** Requests with this header are served by the controllers. */
const BY_CONTROLLER = { 'content-encoding': 'identity' };

/** The app decides which pages may send events. */
const OF_A_PAGE = { origin: 'https://site.example' };

describe('plain JSON requests', () => {
  let broker: TestBroker;
  let ingest: TestIngest;

  beforeAll(async () => {
    broker = await startTestBroker();
    ingest = await startIngest({
      port: broker.port,
      env: { INGEST_HTTP_BODY_LIMIT_BYTES: String(BODY_LIMIT) },
    });
    await ready(ingest);
  });

  afterAll(async () => {
    await ingest[Symbol.asyncDispose]();
    await broker.stop();
  });

  it.each([
    ['of valid items', '/telemetry', [telemetryPoint(), telemetryPoint()]],
    ['of some invalid items', '/telemetry', [telemetryPoint(), { ...telemetryPoint(), device_id: 'é' }]],
    ['of invalid items', '/telemetry', [{}, 1, null]],
    ['of no items', '/events', []],
    ['of another provider', '/telemetry', [telemetryPoint({ provider_id: crypto.randomUUID() })]],
    ['of an object', '/trips', telemetryPoint()],
    ['of too many items', '/rider-events', Array.from({ length: 1_001 }, () => 1)],
    ['of an unknown path', '/nothing', [telemetryPoint()]],
  ])('%s have the same response as from the controllers', async (_, path, items) => {
    const [direct, other] = await Promise.all([
      ingest.post(path, items),
      ingest.post(path, items, { headers: BY_CONTROLLER }),
    ]);
    expect(comparable(direct)).toEqual(comparable(other));
  });

  it.each([
    ['JSON that is cut', '[{"device_id":'],
    ['a byte order mark only', '\uFEFF'],
    ['bytes that are not UTF-8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])],
    ['an empty body', ''],
    ['a body over the limit', `[${' '.repeat(BODY_LIMIT)}]`],
  ])('with %s have the same response as from the controllers', async (_, body) => {
    const direct = await ingest.request({ path: '/telemetry', body });
    const other = await ingest.request({ path: '/telemetry', body, headers: BY_CONTROLLER });
    expect(direct.status).toBeGreaterThanOrEqual(400);
    expect(comparable(direct)).toEqual(comparable(other));
  });

  it.each([
    ['without a token', null],
    ['with an invalid token', 'x.y.z'],
  ])('%s have the same response as from the controllers', async (_, token) => {
    const direct = await ingest.post('/telemetry', [telemetryPoint()], { token });
    const other = await ingest.post('/telemetry', [telemetryPoint()], { token, headers: BY_CONTROLLER });
    expect(direct.status).toBe(401);
    expect(comparable(direct)).toEqual(comparable(other));
  });

  it('are served without the controllers, once their token was verified', async () => {
    const served: string[] = [];
    const controllerPath = channel('tracing:fastify.request.handler:start');
    const note = (): void => void served.push('controller');
    controllerPath.subscribe(note);
    const token = await writeToken(PROVIDER, '2h');
    for (const headers of [{}, {}, BY_CONTROLLER, OF_A_PAGE]) {
      await ingest.post('/telemetry', [telemetryPoint()], { token, headers });
      served.push('response');
    }
    controllerPath.unsubscribe(note);
    const viaApp = ['controller', 'response'];
    expect(served).toEqual(['controller', 'response', 'response', ...viaApp, ...viaApp]);
  });

  it('may arrive in pieces, and several in one', async () => {
    const token = await writeToken();
    await ingest.post('/telemetry', [telemetryPoint()], { token });
    const request = (items: readonly unknown[]) => {
      const body = JSON.stringify(items);
      return `POST /telemetry HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    };
    const text =
      request([telemetryPoint()]) +
      request([telemetryPoint(), 1]) +
      request([]).replace('Host', 'Connection: close\r\nHost');
    const socket = connect(ingest.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    for (let at = 0; at < text.length; at += 100) {
      socket.write(text.slice(at, at + 100));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const chunks = (await socket.toArray()) as Buffer[];
    const answers = Buffer.concat(chunks).toString();
    const totals = [...answers.matchAll(/^{"success":(\d+),"total":(\d+)/gm)].map(([, ...counts]) => counts);
    expect(totals).toEqual([
      ['1', '1'],
      ['1', '2'],
      ['0', '0'],
    ]);
  });

  it('may end before their body is complete', async () => {
    const token = await writeToken();
    await ingest.post('/telemetry', [telemetryPoint()], { token });
    const socket = connect(ingest.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST /telemetry HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[`,
    );
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) => {
        ingest.app.getHttpServer().getConnections((error: Error | null, count: number) => {
          if (error === null) resolve(count);
          else reject(error);
        });
      });
    const before = await connections();
    socket.destroy();
    await until(async () => (await connections()) < before);
    expect((await ingest.post('/telemetry', [telemetryPoint()], { token })).status).toBe(201);
  });

  it('are counted in the metrics like others', async () => {
    const counted = async (): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${ingest.port}/metrics`);
      const line =
        /http_request_duration_seconds_count{method="POST",route="\/rider-events",status="201"} (\d+)/;
      return Number(line.exec(await response.text())?.[1] ?? 0);
    };
    const before = await counted();
    await ingest.post('/rider-events', []);
    await ingest.post('/rider-events', [], { headers: BY_CONTROLLER });
    expect(await counted()).toBe(before + 2);
  });
});

/**
 * A response without what differs between two requests, and whether the connection stays open: Fastify closes it if a body
 * cannot be parsed, also if all of it was read.
 */
function comparable({
  status,
  headers,
  body,
}: {
  readonly status: number;
  readonly headers: object;
  readonly body: object;
}): object {
  const { date: _, connection: __, 'keep-alive': ___, ...others } = headers as Record<string, string>;
  return {
    status,
    headers: others,
    body: JSON.parse(JSON.stringify(body).replaceAll(/\d{4}-\d\d-[^"]*Z/g, 'T')),
  };
}
