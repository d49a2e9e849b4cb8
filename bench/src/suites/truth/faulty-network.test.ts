import { once } from 'node:events';
import { createServer, request, Agent, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FaultyNetwork } from './faulty-network.js';

/** A service that notes what it receives. */
async function startService(): Promise<
  { server: Server; url: string; received: string[] } & AsyncDisposable
> {
  const received: string[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
    incoming.on('end', () => {
      received.push(body);
      response.end('stored');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    server,
    url,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Resolves to the answer, or to `undefined` if the connection ends without one. */
function post(url: string, body: string, agent: Agent): Promise<string | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'POST', agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    });
    outgoing.on('error', () => resolve(undefined));
    outgoing.end(body);
  });
}

const QUIET = { every: 4, delayMs: 1, repeatAfterMs: 1, cutEveryMs: 3_600_000, cutMs: 1 };

describe(FaultyNetwork, () => {
  it('delays, loses and repeats requests, and loses answers, in turn', async () => {
    await using service = await startService();
    await using network = await FaultyNetwork.start(service.url, QUIET);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers: (string | undefined)[] = [];
    for (const body of ['delayed', 'unanswered', 'repeated', 'lost']) {
      answers.push(await post(network.origin, body, agent));
    }
    await network.settle();
    agent.destroy();
    expect(answers).toEqual(['stored', undefined, 'stored', undefined]);
    expect(service.received).toEqual(['delayed', 'unanswered', 'repeated', 'repeated']);
    expect(network.counts).toEqual({ requests: 4, lost: 1, delayed: 1, unanswered: 1, repeated: 1, cuts: 0 });
  });

  it('delivers other requests unchanged', async () => {
    await using service = await startService();
    await using network = await FaultyNetwork.start(service.url, { ...QUIET, every: 4_000 });
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    // More than one packet.
    const bodies = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(100_000));
    const answers = await Promise.all(bodies.map((body) => post(network.origin, body, agent)));
    agent.destroy();
    expect(answers).toEqual(bodies.map(() => 'stored'));
    expect(service.received.toSorted()).toEqual(bodies.toSorted());
    expect(network.counts).toMatchObject({ requests: 20, lost: 0 });
  });

  it('closes all connections, and accepts new ones later', async () => {
    await using service = await startService();
    await using network = await FaultyNetwork.start(service.url, { ...QUIET, every: 4_000, cutEveryMs: 50 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const nextAnswer = async (isCut: boolean): Promise<true> => {
      for (;;) if (((await post(network.origin, 'event', agent)) === undefined) === isCut) return true;
    };
    for (const isCut of [false, true, false, true, false]) await nextAnswer(isCut);
    agent.destroy();
    expect(network.counts.cuts).toBeGreaterThanOrEqual(2);
  });
});
