import { connect, type Socket as TcpSocket } from 'node:net';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import type { Figures, Refusal } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { HANDSHAKES } from '../src/live/live.tokens.js';
import type { Turnstile } from '../src/live/turnstile.js';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import {
  append,
  getJson,
  metric,
  monaco,
  openSocket,
  SECRET,
  startRealtime,
  untilReady,
  type PageSocket,
} from './_util.js';

const tokenOf = (providerId?: string) =>
  makeToken(SECRET, { scopes: ['read'], ...(providerId !== undefined && { providerId }) }, '1h');

/** The code with which a socket was refused, or `connected`. */
function outcomeOf(socket: PageSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('connect', () => resolve('connected'));
    socket.on('connect_error', (error) => {
      resolve((error as Error & { data?: { code: string } }).data?.code ?? error.message);
    });
  });
}

describe('callers without a valid token', () => {
  it('are refused beyond the rate of their address, and those with one are not', async () => {
    await using broker = await startTestBroker();
    const env = { AUTH_JWT_SECRET: SECRET, AUTH_FAILURES_PER_SECOND: '1' };
    await using realtime = await startRealtime(broker.address, env);
    const sockets: PageSocket[] = [];
    const open = (token: string) => {
      const socket = openSocket(realtime.url, { token });
      sockets.push(socket);
      return outcomeOf(socket);
    };
    try {
      const outcomes = new Set<string>();
      await until(async () => outcomes.add(await open('invalid')).has('TOO_MANY_FAILURES'));
      expect(outcomes).toEqual(new Set(['TOKEN_INVALID', 'TOO_MANY_FAILURES']));
      const statuses = new Set<number>();
      await until(async () => statuses.add((await fetch(`${realtime.url}/vehicles`)).status).has(429));
      expect(await open(await tokenOf())).toBe('connected');
      const headers = { authorization: `Bearer ${await tokenOf(PROVIDER)}` };
      expect([200, 503]).toContain((await fetch(`${realtime.url}/vehicles`, { headers })).status);
    } finally {
      for (const socket of sockets) socket.disconnect();
    }
  });
});

describe('the bounds of a caller', () => {
  it('refuse a socket with TOO_MANY_SOCKETS, until another one is closed', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      REALTIME_TOKEN_SOCKETS: '3',
      REALTIME_SOCKETS: '7',
    });
    const [one, other] = [await tokenOf(), await tokenOf(PROVIDER)];
    const sockets: PageSocket[] = [];
    const open = (token: string) => {
      const socket = openSocket(realtime.url, { token });
      sockets.push(socket);
      return outcomeOf(socket);
    };
    try {
      // At once: those whose tokens are still verified count, too.
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => open(one)));
      expect(outcomes.toSorted()).toEqual([
        ...Array<string>(3).fill('TOO_MANY_SOCKETS'),
        ...Array<string>(3).fill('connected'),
      ]);
      // Another token of the same provider, which leaves room for others.
      const [second, third] = [await tokenOf(PROVIDER), await tokenOf(OTHER_PROVIDER)];
      const outcomesOf = async (tokens: string[]) => {
        const results: string[] = [];
        for (const token of tokens) results.push(await open(token));
        return results;
      };
      expect(await outcomesOf([other, second, other, second])).toEqual([
        'connected',
        'connected',
        'TOO_MANY_SOCKETS',
        'TOO_MANY_SOCKETS',
      ]);
      expect(await outcomesOf([third, third])).toEqual(['connected', 'TOO_MANY_SOCKETS']);
      expect(await metric(realtime, 'realtime_refusals_total')).toBe(6);
      sockets.find(({ connected }) => connected)!.disconnect();
      await until(async () => (await metric(realtime, 'realtime_sockets')) === 5, { what: 'the end of one' });
      expect(await open(third)).toBe('connected');
    } finally {
      for (const socket of sockets) socket.disconnect();
    }
  });

  it('refuse viewports and watches beyond those of a second with TOO_MANY_MESSAGES, of all its sockets', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      REALTIME_TOKEN_VIEWPORTS_PER_SECOND: '10',
      REALTIME_TOKEN_WATCHES_PER_SECOND: '5',
    });
    await untilReady(realtime);
    const token = await tokenOf();
    using one = openSocket(realtime.url, { token });
    using two = openSocket(realtime.url, { token });
    using other = openSocket(realtime.url, { token: await tokenOf(PROVIDER) });
    const refusals: Refusal[] = [];
    const otherRefusals: Refusal[] = [];
    for (const page of [one, two]) page.on('refused', (refusal) => refusals.push(refusal));
    other.on('refused', (refusal) => otherRefusals.push(refusal));
    // More than those of two seconds, should the messages arrive in two.
    for (let count = 0; count < 12; count += 1) {
      for (const page of [one, two]) {
        page.emit('viewport', monaco);
        page.emit('watch', { deviceId: id(1), providerId: PROVIDER });
      }
    }
    other.emit('viewport', monaco);
    await new Promise<void>((resolve) => other.once('snapshot', () => resolve()));
    await until(() => refusals.filter(({ message }) => message === 'watch').length >= 14, {
      what: 'refusals',
    });
    const viewports = refusals.filter(({ message }) => message === 'viewport');
    expect(viewports.length).toBeGreaterThanOrEqual(4);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['TOO_MANY_MESSAGES']));
    expect(otherRefusals).toEqual([]);
  });
});

describe('a provider with more vehicles than it may have', () => {
  it('is shown with as many, the events of the others are counted, and another provider is shown as ever', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      REALTIME_PROVIDER_VEHICLES: '500',
    });
    await untilReady(realtime);
    const timestamp = Date.now();
    const [own, other] = [await tokenOf(PROVIDER), await tokenOf(OTHER_PROVIDER)];
    using page = openSocket(realtime.url, { token: own });
    page.emit('viewport', { west: -180, south: -90, east: 180, north: 90 });
    const flood = Array.from({ length: 3_000 }, (_, n) =>
      telemetry({ device_id: id(n), provider_id: OTHER_PROVIDER, timestamp }),
    );
    await append(broker.address, [...flood, telemetry({ device_id: id(1), timestamp })]);
    const figures = await new Promise<Figures>((resolve) => {
      page.on('frame', (frame) => {
        if (frame.vehicles.length > 0) resolve(frame.figures);
      });
    });
    expect(figures).not.toHaveProperty('overQuota');
    const stats = await until(
      async () => {
        const { body } = await getJson(`${realtime.url}/stats`, other);
        return body['eventsSeen'] === 3_000 && body;
      },
      { what: 'all events' },
    );
    expect(stats).toMatchObject({ devicesSeen: 500, overQuota: 2_500 });
    expect((await getJson(`${realtime.url}/stats`, own)).body).toMatchObject({
      devicesSeen: 1,
      eventsSeen: 1,
    });
  });
});

describe('connections without a token', () => {
  it('are closed, oldest first, and do not keep a page with one from connecting', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      REALTIME_HANDSHAKES_PER_TICK: '100',
    });
    const url = `${realtime.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
    const idle = Array.from({ length: 520 }, () => new WebSocket(url));
    try {
      await until(() => idle.filter(({ readyState }) => readyState === WebSocket.CLOSED).length >= 20, {
        what: 'the end of the oldest',
      });
      using page = openSocket(realtime.url, { token: await tokenOf(PROVIDER) });
      expect(await outcomeOf(page)).toBe('connected');
    } finally {
      for (const socket of idle) socket.close();
    }
  });
});

describe('connections that are opened together', () => {
  it('are accepted a few per tick, all of them', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, { REALTIME_HANDSHAKES_PER_TICK: '2' });
    const handshakes = realtime.app.get<Turnstile>(HANDSHAKES, { strict: false });
    const pages = Array.from({ length: 15 }, () => openSocket(realtime.url));
    try {
      const outcomes = Promise.all(pages.map(outcomeOf));
      await until(() => handshakes.waitingCount > 0, { what: 'connections that wait' });
      expect(new Set(await outcomes)).toEqual(new Set(['connected']));
    } finally {
      for (const page of pages) page.disconnect();
    }
  });

  it('are refused beyond those that may wait, and may be reset while they wait', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, {
      REALTIME_HANDSHAKES_PER_TICK: '1',
      REALTIME_TICK_MS: '500',
    });
    const { hostname, port } = new URL(realtime.url);
    const sockets: TcpSocket[] = [];
    const answers: string[] = [];
    for (let count = 0; count < 20; count += 1) {
      const socket = connect(Number(port), hostname);
      sockets.push(socket);
      socket.on('data', (bytes) => answers.push(bytes.toString('latin1').split('\r\n')[0]!));
      socket.write(
        'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    }
    await until(() => answers.some((line) => line.includes('400')), { what: 'refusals' });
    for (const socket of sockets) socket.resetAndDestroy();
    await until(
      async () => {
        using page = openSocket(realtime.url);
        return (await outcomeOf(page)) === 'connected';
      },
      { what: 'a connection, once the service has noticed the resets' },
    );
    expect(answers.some((line) => line.includes('101'))).toBe(true);
  });
});
