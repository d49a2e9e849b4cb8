import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { freePort } from '@hailstream/service/ports';
import { makeToken } from '@hailstream/service/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTopics, getJson, SECRET, startRealtime } from './_util.js';

let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
  await createTopics(broker.address);
});
afterAll(() => broker[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** A server that answers as batch does, and keeps the requests. */
async function startBatch(answer: Answer) {
  const requests: Pick<IncomingMessage, 'url' | 'headers'>[] = [];
  const server = createServer(({ url, headers }, response) => {
    requests.push({ url: url!, headers });
    const type = answer.status === 200 ? 'application/json' : 'application/problem+json';
    response.writeHead(answer.status, { 'content-type': type }).end(JSON.stringify(answer.body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const token = (scope: 'read' | 'write') =>
  makeToken(SECRET, { scopes: [scope], providerId: '0197a1c5-0000-7000-8000-000000000001' }, '1 hour');

describe('GET /reports', () => {
  it('responds with the report of batch, which gets the token and the parameters of reports', async () => {
    await using batch = await startBatch({ status: 200, body: { period: { name: '2026-W09' } } });
    await using realtime = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      REALTIME_BATCH_URL: batch.url,
    });
    const read = await token('read');
    const answer = await getJson(`${realtime.url}/reports?week=2026-W09&zone=A%26B&other=1`, read);
    expect(answer).toMatchObject({ status: 200, body: { period: { name: '2026-W09' } } });
    expect(batch.requests).toMatchObject([
      { url: '/reports?week=2026-W09&zone=A%26B', headers: { authorization: `Bearer ${read}` } },
    ]);
  });

  it('requires the scope read', async () => {
    await using batch = await startBatch({ status: 200, body: {} });
    await using realtime = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      REALTIME_BATCH_URL: batch.url,
    });
    expect(await getJson(`${realtime.url}/reports?day=2026-03-01`)).toMatchObject({ status: 401 });
    const write = await token('write');
    expect((await getJson(`${realtime.url}/reports?day=2026-03-01`, write)).status).toBe(401);
    expect(batch.requests).toEqual([]);
  });

  it('responds with the problem of batch', async () => {
    const problem = { type: 'about:blank', title: 'Bad Request', status: 400, detail: 'day: expected a day' };
    await using batch = await startBatch({ status: 400, body: problem });
    await using realtime = await startRealtime(broker.address, { REALTIME_BATCH_URL: batch.url });
    expect(await getJson(`${realtime.url}/reports?day=x`)).toMatchObject({
      status: 400,
      body: { title: 'Bad Request', detail: 'day: expected a day' },
    });
  });

  it('says that batch does not respond, or is not configured', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await using down = await startRealtime(broker.address, { REALTIME_BATCH_URL: url });
    expect(await getJson(`${down.url}/reports?day=2026-03-01`)).toMatchObject({
      status: 503,
      body: { detail: 'the batch service does not respond' },
    });
    await using without = await startRealtime(broker.address);
    expect(await getJson(`${without.url}/reports?day=2026-03-01`)).toMatchObject({
      status: 404,
      body: { detail: 'reports are not available: REALTIME_BATCH_URL is not set' },
    });
  });
});
